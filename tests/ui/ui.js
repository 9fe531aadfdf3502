// The page at /ui in a real browser over a real network of four validators, one of which dies in the middle.
// node tests/ui/ui.js QUORATE FOLDER [BASE_PORT]: playwright-core is looked for in FOLDER/node_modules. Exit 0: all that follows was seen.
'use strict';
const {spawn, execFileSync} = require('child_process');
const fs = require('fs');
const path = require('path');

const [, , quorate, folder, basePort = '24100'] = process.argv;
const {chromium} = require(path.resolve(folder, 'node_modules/playwright-core'));
const net = path.join(folder, 'net'), shots = path.join(folder, 'screenshots');
const rpc = i => `http://127.0.0.1:${Number(basePort) + 2 * i + 1}`;
const nodes = [], pause = ms => new Promise(done => setTimeout(done, ms));
let failures = 0, load;

function start(i) {
  const log = fs.openSync(path.join(folder, `node${i}.log`), 'a');
  nodes[i] = spawn(quorate, ['start', '--home', path.join(net, `node${i}`)], {stdio: ['ignore', log, log]});
}

function stop() {
  if (load) load.kill('SIGKILL');
  for (const node of nodes) if (node && node.exitCode === null) node.kill('SIGKILL');
}

async function until(what, look, ms = 60000) {
  const end = Date.now() + ms;
  let seen;
  do {
    try { seen = await look(); } catch (error) { seen = false; }
    if (seen) return console.log(`seen      ${what}`), seen;
    await pause(200);
  } while (Date.now() < end);
  failures++;
  console.log(`NOT SEEN  ${what} (waited ${ms / 1000} s)`);
}

async function answer(i, query) { return (await (await fetch(`${rpc(i)}/${query}`)).json()).result; }

async function story(browser) {
  const page = await browser.newPage({viewport: {width: 1200, height: 900}, colorScheme: 'light'});
  const complaints = [];
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => { if (!/^http:\/\/127\.0\.0\.1:|^data:|^ws:\/\/127\.0\.0\.1:/.test(request.url())) complaints.push(`fetched ${request.url()}`); });
  const text = selector => page.innerText(selector);
  const go = async view => { await page.goto(`${rpc(0)}/ui#${view}`); };
  const shoot = async name => page.screenshot({path: path.join(shots, `${name}.png`), fullPage: true});

  await go('now');
  await until('the page is live', async () => (await text('#link')) === 'live');
  const heightShown = async () => Number((await text('.tile b')).replace(/\D/g, ''));
  const first = await heightShown();
  await until('the height grows by itself', async () => await heightShown() > first + 3);
  await until('all four validators have voted for a block', async () => await page.locator('.vote.block').count() >= 6);
  await until('a proposer is marked', async () => await page.locator('tbody .badge', {hasText: 'proposer'}).count() === 1);
  await shoot('now-light');

  const height = (await answer(0, 'tx_search?query="tx.height>0"&per_page=1')).txs[0];
  await page.fill('#asked', height.height);
  await page.press('#asked', 'Enter');
  await until('the search field finds a block by its height', async () => /^Block/.test(await text('main h2')) && (await text('main')).includes(height.hash.slice(0, 24)));
  await shoot('block-light');
  await page.fill('#asked', height.hash);
  await page.press('#asked', 'Enter');
  await until('and a transaction by its hash', async () => (await text('main')).includes(height.hash) && (await text('main')).includes('good'));
  await shoot('transaction-light');
  const account = height.tx_result.events.flatMap(event => event.attributes).find(attribute => /^quorate1[a-z0-9]+$/.test(attribute.value)).value;
  await page.fill('#asked', account);
  await page.press('#asked', 'Enter');
  await until('and an account by its address', async () => (await text('main')).includes(account) && /unit/.test(await text('main')));
  await shoot('account-light');
  await page.fill('#asked', 'no such = query AND');
  await page.press('#asked', 'Enter');
  await until('a question that makes no sense is answered in words', async () => /could not be shown/.test(await text('main')));

  await go('blocks');
  await until('twenty blocks are listed', async () => await page.locator('tbody tr').count() === 20);
  await page.click('text=older');
  await until('and older ones on demand', async () => /Blocks/.test(await text('main h2')) && page.url().includes('#blocks/'));
  await go('peers');
  await until('three peers, all alive', async () => await page.locator('tbody tr').count() === 3 && await page.locator('.badge.good', {hasText: 'alive'}).count() === 3);
  await shoot('peers-light');
  await go('mempool');
  await until('the mempool is counted', async () => /waiting transactions/.test(await text('main')));

  const victim = (await answer(3, 'status')).validator_info.address;
  nodes[3].kill('SIGKILL');
  await go('validators');
  const row = page.locator('tbody tr', {hasText: victim});
  await until('a killed validator misses blocks', async () => Number((await row.innerText()).match(/(\d+) of/)[1]) > 2);
  await until('and is suspected', async () => /suspected/.test(await row.innerText()));
  await shoot('validators-one-dead-light');
  await go('peers');
  await until('its peer is gone', async () => await page.locator('tbody tr').count() === 2);
  start(3);
  await until('it comes back as a peer', async () => await page.locator('tbody tr').count() === 3);
  await go('validators');
  await until('and is suspected no more', async () => /alive/.test(await row.innerText()));

  await go('now');
  nodes[0].kill('SIGKILL');
  await until('the page says when its own node is gone', async () => /no connection/.test(await text('#link')));
  start(0);
  const gone = await heightShown();
  await until('and goes on when it is back', async () => (await text('#link')) === 'live' && await heightShown() > gone);

  const phone = await browser.newPage({viewport: {width: 390, height: 800}, colorScheme: 'dark', isMobile: true});
  phone.on('pageerror', error => complaints.push(error.message));
  for (const view of ['now', 'validators', 'peers', 'blocks', `block/${height.height}`, 'evidence']) {
    await phone.goto(`${rpc(1)}/ui#${view}`);
    await until(`on a phone nothing of "${view}" is wider than the screen`, async () => await phone.locator('main .card').count() > 0 && await phone.evaluate('document.documentElement.scrollWidth') <= 390);
    await pause(700);
    await phone.screenshot({path: path.join(shots, `${view.replace('/', '-')}-phone-dark.png`), fullPage: true});
  }
  await until('nothing was fetched from elsewhere and no script failed', async () => complaints.length === 0, 1);
  for (const complaint of complaints) console.log(complaint);
}

async function main() {
  for (const old of [net, shots]) fs.rmSync(old, {recursive: true, force: true});
  fs.mkdirSync(shots, {recursive: true});
  execFileSync(quorate, ['testnet', '--v', '4', '--o', net, '--loopback-base-port', basePort, '--timeout-commit', '500ms'], {stdio: 'ignore'});
  for (let i = 0; i < 4; i++) start(i);
  await until('four validators commit', async () => Number((await answer(0, 'status')).sync_info.latest_block_height) > 2);
  load = spawn(quorate, ['load', '--app', 'ledger', '--accounts', path.join(net, 'accounts'), '--endpoint', rpc(1), '--rate', '20', '--for', '600', '--sign-ahead', '12000'], {stdio: 'ignore'});
  await until('transfers are committed', async () => Number((await answer(0, 'tx_search?query="tx.height>0"&per_page=1')).total_count) > 20);
  const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox']});
  try { await story(browser); } finally { await browser.close(); }
}

main().catch(error => { failures++; console.error(error); }).finally(() => {
  stop();
  console.log(failures ? `ui: ${failures} NOT as it should be` : `ui: all seen; look at ${shots}`);
  process.exit(failures ? 1 : 0);
});
setTimeout(() => { console.log('ui: took too long'); stop(); process.exit(1); }, 480000).unref();

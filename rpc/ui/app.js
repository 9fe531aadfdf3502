// Which view is shown, when it is drawn anew, and what the search field means.
'use strict';

const LIVE = new Set(['now', 'validators', 'peers', 'evidence']); // drawn from the model alone; the others ask once, or each second
const AGAIN = new Set(['mempool', 'blocks']);
const byId = id => document.getElementById(id);
let drawing = 0, due = false;

const place = () => { const [view, ...rest] = (location.hash.slice(1) || 'now').split('/'); return {view: views[view] ? view : 'now', rest: rest.join('/')}; };

async function draw() {
  const mine = ++drawing;
  const {view, rest} = place();
  let nodes;
  try { nodes = await views[view](rest); } catch (error) { nodes = [card('That could not be shown', h('p', null, error.message))]; }
  if (mine !== drawing) return; // another view was asked for meanwhile
  const open = [...document.querySelectorAll('details')].map(details => details.open);
  const scrolled = [...document.querySelectorAll('.scroll')].map(box => box.scrollLeft);
  byId('view').replaceChildren(...nodes.filter(Boolean));
  if (byId('view').dataset.view === location.hash) {
    document.querySelectorAll('details').forEach((details, i) => { details.open = open[i] || false; });
    document.querySelectorAll('.scroll').forEach((box, i) => { box.scrollLeft = scrolled[i] || 0; });
  }
  byId('view').dataset.view = location.hash;
  for (const link of document.querySelectorAll('nav a')) link.hash === `#${view}` ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
}

function frame() {
  byId('link').className = 'link ' + model.link;
  byId('link').textContent = {live: 'live', lost: 'no connection, trying again', connecting: 'connecting'}[model.link];
  const status = model.status;
  if (!status) return;
  byId('chain').textContent = status.node_info.network;
  byId('node').textContent = `${status.node_info.moniker} ${status.node_info.id}`;
  document.title = `${latest()} · ${status.node_info.network} · Quorate`;
  const banners = [];
  if (model.alarm) banners.push(h('div', {class: 'banner alarm'}, `FORK: this node knows of two histories of its chain${model.alarm.stopped_signing ? ' and has stopped signing' : ''}. `, h('a', {href: '#evidence', style: 'color:inherit;text-decoration:underline'}, 'Look at it')));
  if (model.parents && !model.alarm) banners.push(h('div', {class: 'banner'}, `${count(Number(model.parents.validators))} validator${model.parents.validators === '1' ? '' : 's'} voted at height ${count(Number(model.parents.height))} for blocks on two parents. `, h('a', {href: '#evidence', style: 'color:inherit;text-decoration:underline'}, 'Look at it')));
  if (status.sync_info.catching_up) banners.push(h('div', {class: 'banner'}, `This node is behind and fetches blocks: ${count(latest())} so far.`));
  const since = Date.now() - Date.parse(status.sync_info.latest_block_time);
  if (model.link === 'live' && !status.sync_info.catching_up && since > 30000) banners.push(h('div', {class: 'banner'}, `No block for ${seconds(since)}.`));
  const texts = banners.map(banner => banner.textContent).join('\n');
  if (byId('banners').textContent !== texts.replace(/\n/g, '')) byId('banners').replaceChildren(...banners);
}

wire.onchange = () => { // at most five drawings a second, whatever comes
  if (due) return;
  due = true;
  setTimeout(() => { due = false; frame(); if (LIVE.has(place().view) && !document.hidden) draw(); }, 200);
};

byId('search').addEventListener('submit', event => {
  event.preventDefault();
  const asked = byId('asked').value.trim();
  if (/^\d{1,18}$/.test(asked)) location.hash = `block/${asked}`;
  else if (/^(0x)?[0-9a-f]{64}$/i.test(asked)) findHash(asked.replace(/^0x/i, '').toUpperCase());
  else if (/^[a-z]+1[0-9a-z]{20,}$/.test(asked)) location.hash = `account/${asked}`;
  else if (asked) location.hash = `search/${encodeURIComponent(asked)}`;
});

async function findHash(hash) {
  try {
    const {block} = await ask('block_by_hash', {hash: hexToBase64(hash)});
    location.hash = block ? `block/${block.header.height}` : `tx/${hash}`;
  } catch { location.hash = `tx/${hash}`; }
}

window.addEventListener('hashchange', () => { draw(); byId('view').focus({preventScroll: true}); scrollTo(0, 0); });
setInterval(async () => {
  try { await tick(); } catch (error) { console.warn(error); }
  wire.onchange();
  const {view, rest} = place();
  if (AGAIN.has(view) && !rest && !document.hidden && !byId('view').querySelector(':focus')) draw();
}, 1000);
connect();
draw();

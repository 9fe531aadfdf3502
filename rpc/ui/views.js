// Drawing: each view is a function from the model to nodes. All text from the chain goes through textContent.
'use strict';

function h(tag, attributes, ...children) {
  const element = tag.startsWith('svg:') ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) if (child != null && child !== false) element.append(child);
  return element;
}

const count = number => Number(number).toLocaleString('en');
const short = hash => hash ? hash.slice(0, 8) + '…' : '–';
const bytes = number => number < 1000 ? `${number} B` : number < 1e6 ? `${(number / 1e3).toFixed(1)} kB` : `${(number / 1e6).toFixed(1)} MB`;
const seconds = ms => ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : ms < 120000 ? `${(ms / 1000).toFixed(1)} s` : ms < 7200000 ? `${Math.round(ms / 60000)} min` : `${(ms / 3600000).toFixed(1)} h`;
const clock = time => new Date(time).toLocaleTimeString([], {hour12: false});
const nameOf = address => model.names.get(address) || short(address);
const heightLink = height => h('a', {href: `#block/${height}`}, count(height));
const card = (title, ...children) => h('section', {class: 'card'}, title && h('h2', null, title), ...children);
const tile = (label, value) => h('div', {class: 'tile'}, h('b', {title: String(value)}, value), h('span', null, label));
const table = (heads, rows) => h('div', {class: 'scroll'}, h('table', null,
  h('thead', null, h('tr', null, heads.map(head => h('th', {class: head.class || null, scope: 'col'}, head.text ?? head)))),
  h('tbody', null, rows)));
const list = pairs => h('dl', null, pairs.filter(Boolean).map(([term, what]) => [h('dt', null, term), h('dd', null, what)]));
const fold = (title, value) => h('details', null, h('summary', null, title), h('pre', null, JSON.stringify(value, null, 2)));

function vote(votes, kind, index) {
  const cast = votes.get(`${kind}:${index}`);
  return h('span', {class: 'vote ' + (cast || '')}, cast === 'block' ? '✓ block' : cast === 'nil' ? '∅ nil' : '· none');
}

function tally(votes, kind) {
  const total = model.validators.reduce((sum, validator) => sum + validator.power, 0);
  const cast = model.validators.filter(validator => votes.has(`${kind}:${validator.index}`)).reduce((sum, validator) => sum + validator.power, 0);
  const share = total ? 100 * cast / total : 0;
  return [h('span', null, kind + 's'), h('div', {class: 'bar', role: 'img', 'aria-label': `${share.toFixed(0)} percent of the power, two thirds are needed`},
    h('i', {style: `width:${share}%`}), h('u', {title: 'two thirds'})), h('span', {class: 'number'}, `${share.toFixed(0)} %`)];
}

function intervals() {
  const heights = [...model.metas.keys()].sort((a, b) => a - b).slice(-61);
  const out = [];
  for (let i = 1; i < heights.length; i++)
    if (heights[i] === heights[i - 1] + 1) out.push({height: heights[i], ms: model.metas.get(heights[i]).time - model.metas.get(heights[i - 1]).time, round: (model.signers.get(heights[i]) || {}).round || 0});
  return out;
}

function chart(points) {
  const most = Math.max(1, ...points.map(point => point.ms));
  const width = Math.min(1100, Math.max(280, innerWidth - 70)), height = 110, step = width / Math.max(30, points.length);
  return h('svg:svg', {viewBox: `0 0 ${width} ${height + 16}`, width: '100%', role: 'img', 'aria-label': `time between the last ${points.length} blocks, at most ${seconds(most)}`},
    h('svg:line', {class: 'axis', x1: 0, y1: height, x2: width, y2: height}),
    points.map((point, i) => {
      const tall = Math.max(1, point.ms / most * (height - 14));
      return h('svg:rect', {class: 'column' + (point.round > 0 ? ' late' : ''), x: (i * step + 1).toFixed(1), y: (height - tall).toFixed(1), width: Math.max(1, step - 2).toFixed(1), height: tall.toFixed(1), rx: 1},
        h('svg:title', null, `height ${point.height}: ${seconds(point.ms)}${point.round ? `, decided in round ${point.round}` : ''}`));
    }),
    h('svg:text', {x: 0, y: 10}, seconds(most)),
    points.length ? [h('svg:text', {x: 0, y: height + 13}, points[0].height), h('svg:text', {x: Math.max(60, points.length * step).toFixed(1), y: height + 13, 'text-anchor': 'end'}, points[points.length - 1].height)] : null);
}

function rates() {
  const newest = [...model.metas.values()].filter(meta => meta.txs !== null).sort((a, b) => b.height - a.height).slice(0, 40);
  if (newest.length < 2) return {interval: '–', txs: '–'};
  const span = newest[0].time - newest[newest.length - 1].time;
  const txs = newest.slice(0, -1).reduce((sum, meta) => sum + meta.txs, 0);
  return {interval: seconds(span / (newest.length - 1)), txs: span > 0 ? (txs / span * 1000).toFixed(txs / span > .01 ? 0 : 2) : '–'};
}

function strip(address) {
  const high = latest();
  const cells = [];
  for (let height = Math.max(1, high - 40); height < high; height++) {
    const known = model.signers.get(height);
    const flag = known ? known.flags.get(address) || 'missed' : 'unknown';
    cells.push(h('i', {class: flag === 'signed' || flag === 'nil' ? '' : flag, title: `${height}: ${flag}`}));
  }
  return h('div', {class: 'strip', role: 'img', 'aria-label': 'signatures on the last 40 blocks'}, cells);
}

function record(address) {
  let last = 0, missed = 0, known = 0;
  for (const [height, commit] of model.signers) {
    known++;
    const flag = commit.flags.get(address);
    if (flag === 'signed' || flag === 'nil') last = Math.max(last, height);
    else missed++;
  }
  return {last, missed, known};
}

function suspicion(subject) {
  if (!subject || subject.suspected === undefined) return '–';
  const heard = Number(subject.heard_ago_ms) >= 0 ? `heard ${seconds(Number(subject.heard_ago_ms))} ago, silent for ${seconds(Number(subject.silence_max_ms))} at most until suspected` : '';
  return h('span', {class: 'badge ' + (subject.suspected ? 'bad' : 'good'), title: heard}, subject.suspected ? 'suspected' : 'alive');
}

const views = {};

views.now = () => {
  const {height, round, step} = model.round;
  const decided = step === 'NewHeight' && model.before && model.before.height === height - 1; // between two heights: what decided the last one
  const shown = decided ? model.before : {...model.round, votes: model.votes};
  const rate = rates();
  return [
    h('div', {class: 'tiles'}, tile('last block', count(latest())), tile('deciding height', count(height)), tile('round', round), tile('step', step.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase() || '–'),
      tile('between blocks', rate.interval), tile('transactions per second', rate.txs), tile('waiting transactions', count(model.mempool.count)), tile('peers', model.peers.length)),
    card(`Votes at height ${count(shown.height)}, round ${shown.round}${decided ? ': decided' : ''}`,
      h('div', {class: 'tallies'}, tally(shown.votes, 'prevote'), tally(shown.votes, 'precommit')),
      table(['Validator', {text: 'Power', class: 'number wide'}, 'Prevote', 'Precommit', 'Last block', {text: 'Last heard at', class: 'number'}],
        model.validators.map(validator => {
          const heard = model.heard.get(validator.address);
          const commit = model.signers.get(Math.max(...model.signers.keys()));
          const flag = commit ? commit.flags.get(validator.address) || 'missed' : null;
          return h('tr', null,
            h('td', null, h('a', {href: `#validators`, title: validator.address}, nameOf(validator.address)), validator.address === shown.proposer ? [' ', h('span', {class: 'badge'}, 'proposer')] : null),
            h('td', {class: 'number wide'}, count(validator.power)), h('td', null, vote(shown.votes, 'prevote', validator.index)), h('td', null, vote(shown.votes, 'precommit', validator.index)),
            h('td', null, h('span', {class: 'badge ' + (flag === 'signed' || flag === 'nil' ? 'good' : flag ? 'bad' : '')}, flag || '–')),
            h('td', {class: 'number'}, heard ? `${count(heard.height)}/${heard.round}` : '–'));
        }))),
    card('Time between blocks', chart(intervals()), h('p', {class: 'quiet'}, 'Orange: decided after round 0.')),
    card('Newest blocks', blockTable([...model.metas.values()].sort((a, b) => b.height - a.height).slice(0, 8)), h('div', {class: 'pager'}, h('a', {href: '#blocks'}, 'all blocks'))),
  ];
};

function blockTable(metas) {
  return table(['Height', 'Time', 'Hash', {text: 'Transactions', class: 'number'}, {text: 'Size', class: 'number'}, {text: 'Proposer', class: 'wide'}], metas.map(meta => h('tr', null,
    h('td', null, heightLink(meta.height)), h('td', null, clock(meta.time)), h('td', {class: 'hash'}, short(meta.hash)),
    h('td', {class: 'number'}, meta.txs === null ? '…' : count(meta.txs)), h('td', {class: 'number'}, meta.bytes === null ? '…' : bytes(meta.bytes)), h('td', {class: 'wide'}, nameOf(meta.proposer)))));
}

views.blocks = async from => {
  const top = Math.min(latest(), Number(from) || latest());
  const low = Math.max(earliest(), top - 19);
  const answer = await ask('blockchain', {minHeight: String(low), maxHeight: String(top)});
  const metas = answer.block_metas.map(meta => ({height: Number(meta.header.height), time: Date.parse(meta.header.time), hash: meta.block_id.hash, txs: Number(meta.num_txs), bytes: Number(meta.block_size), proposer: meta.header.proposer_address}));
  return [card(`Blocks ${count(low)} to ${count(top)}`, blockTable(metas), h('div', {class: 'pager'},
    top < latest() ? h('a', {href: `#blocks/${Math.min(latest(), top + 20)}`}, '← newer') : null, low > earliest() ? h('a', {href: `#blocks/${low - 1}`}, 'older →') : null, h('a', {href: '#blocks'}, 'newest')))];
};

async function hashOf(base64) {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)));
  return [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('').toUpperCase();
}

views.block = async height => {
  const [{block, block_id: id}, results] = await Promise.all([ask('block', {height}), ask('block_results', {height}).catch(() => null)]);
  if (!block) return [card(`No block ${height}`, h('p', null, `This node has the heights ${earliest()} to ${latest()}.`))];
  const header = block.header;
  const txs = (block.data.txs || []).slice(0, 200);
  const hashes = crypto.subtle ? await Promise.all(txs.map(hashOf)) : txs.map(() => ''); // a page from a plain address has no digests
  const outcomes = results && results.txs_results || [];
  return [
    card(`Block ${count(header.height)}`, list([['Hash', h('span', {class: 'hash'}, id.hash)], ['Time', header.time], ['Proposer', h('span', {class: 'hash'}, `${nameOf(header.proposer_address)} ${header.proposer_address}`)],
      ['Transactions', count((block.data.txs || []).length)], ['App hash before', h('span', {class: 'hash'}, header.app_hash || '–')], ['Validators', h('span', {class: 'hash'}, header.validators_hash)],
      ['Parent', h('a', {class: 'hash', href: `#block/${Number(header.height) - 1}`}, header.last_block_id.hash || '–')],
      ['Evidence', count((block.evidence.evidence || []).length)], ['Parent decided in round', block.last_commit ? block.last_commit.round : '–']]),
      h('div', {class: 'pager'}, Number(height) > earliest() && h('a', {href: `#block/${Number(height) - 1}`}, '← previous'), Number(height) < latest() && h('a', {href: `#block/${Number(height) + 1}`}, 'next →'))),
    card('Transactions', txs.length ? table(['#', 'Hash', 'Result', {text: 'Gas', class: 'number'}, {text: 'Size', class: 'number'}], txs.map((tx, i) => h('tr', null, h('td', null, i),
      h('td', {class: 'hash'}, hashes[i] ? h('a', {href: `#tx/${hashes[i]}`}, hashes[i].slice(0, 24) + '…') : '–'), h('td', null, outcome(outcomes[i])),
      h('td', {class: 'number'}, outcomes[i] ? count(outcomes[i].gas_used) : '–'), h('td', {class: 'number'}, bytes(Math.floor(tx.length * 3 / 4)))))) : h('p', {class: 'quiet'}, 'none'),
      (block.data.txs || []).length > txs.length && h('p', {class: 'quiet'}, `and ${count(block.data.txs.length - txs.length)} more`)),
    (block.evidence.evidence || []).length ? card('Evidence', block.evidence.evidence.map(evidence => h('pre', null, JSON.stringify(evidence, null, 2)))) : null,
    card(null, fold('Header as JSON', header), fold('Commit of the parent as JSON', block.last_commit)),
  ];
};

const outcome = result => !result ? '–' : Number(result.code) === 0 ? h('span', {class: 'badge good'}, 'good') : h('span', {class: 'badge bad', title: result.log}, `code ${result.code}`);

views.tx = async hash => {
  const found = await ask('tx', {hash: hexToBase64(hash), prove: false});
  const result = found.tx_result;
  return [card('Transaction', list([['Hash', h('span', {class: 'hash'}, found.hash)], ['Block', heightLink(found.height)], ['Place in the block', found.index], ['Result', outcome(result)],
    result.log ? ['Log', result.log] : null, ['Gas used / wanted', `${count(result.gas_used)} / ${count(result.gas_wanted)}`], ['Size', bytes(Math.floor(found.tx.length * 3 / 4))]])),
    card('Events', (result.events || []).length ? table(['Event', 'Attribute', 'Value'], result.events.flatMap(event => event.attributes.map(attribute => h('tr', null, h('td', null, event.type), h('td', null, attribute.key), h('td', {class: 'hash'}, attribute.value))))) : h('p', {class: 'quiet'}, 'none')),
    card(null, h('details', null, h('summary', null, 'Bytes (base64)'), h('pre', null, found.tx)))];
};

function hexToBase64(hex) { return btoa(hex.replace(/^0x/i, '').match(/../g).map(pair => String.fromCharCode(parseInt(pair, 16))).join('')); }

views.account = async address => {
  const {response} = await ask('abci_query', {path: `/ledger/account/${address}`, data: '', height: '0', prove: false});
  if (Number(response.code) !== 0 || !response.value) return [card('No such account', h('p', null, response.log || 'The application of this chain keeps no accounts.'))];
  const account = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(response.value), letter => letter.charCodeAt(0))));
  return [card('Account', list([['Address', h('span', {class: 'hash'}, address)], ...Object.entries(account).filter(([key, value]) => key !== 'address' && typeof value !== 'object').map(([key, value]) => [key.replace(/_/g, ' '), String(value)])]),
    Array.isArray(account.coins) && table(['Denomination', {text: 'Amount', class: 'number'}], account.coins.map(coin => h('tr', null, h('td', null, coin.denom), h('td', {class: 'number'}, BigInt(coin.amount).toLocaleString('en')))))),
    card(null, fold('As JSON', account))];
};

views.search = async query => {
  const answer = await ask('tx_search', {query: decodeURIComponent(query), prove: false, page: '1', per_page: '50', order_by: 'desc'});
  return [card(`${count(answer.total_count)} transactions with ${decodeURIComponent(query)}`, table(['Hash', 'Block', 'Result'], (answer.txs || []).map(found => h('tr', null,
    h('td', {class: 'hash'}, h('a', {href: `#tx/${found.hash}`}, found.hash.slice(0, 24) + '…')), h('td', null, heightLink(found.height)), h('td', null, outcome(found.tx_result))))))];
};

views.validators = () => {
  const total = model.validators.reduce((sum, validator) => sum + validator.power, 0);
  return [card(`${model.validators.length} validators, power ${count(total)}`, table(['Validator', {text: 'Power', class: 'number'}, {text: 'Share', class: 'number'}, {text: 'Last signed', class: 'number'}, {text: 'Missed', class: 'number'}, 'Last 40 blocks', 'State'],
    model.validators.map(validator => {
      const {last, missed, known} = record(validator.address);
      return h('tr', null, h('td', null, nameOf(validator.address), h('div', {class: 'hash quiet wide'}, validator.address)), h('td', {class: 'number'}, count(validator.power)), h('td', {class: 'number'}, `${(100 * validator.power / total).toFixed(1)} %`),
        h('td', {class: 'number'}, last ? heightLink(last) : '–'), h('td', {class: 'number'}, `${missed} of ${known}`), h('td', null, strip(validator.address)), h('td', null, suspicion(model.liveness.get(validator.address))));
    })))];
};

views.peers = () => [card(`${model.peers.length} peers`, table(['Peer', 'Address', 'Height / round', {text: 'Round trip', class: 'number'}, 'State', {text: 'Sent', class: 'number'}, {text: 'Received', class: 'number'}, {text: 'Connected', class: 'number'}],
  model.peers.map(peer => {
    const round = model.rounds.get(peer.node_info.id);
    const extra = peer.liveness || {};
    return h('tr', null, h('td', {title: peer.node_info.id}, peer.node_info.moniker, h('div', {class: 'hash quiet'}, short(peer.node_info.id))), h('td', {class: 'hash'}, `${peer.is_outbound ? '→' : '←'} ${peer.remote_ip}`),
      h('td', null, round ? `${count(round.height)} / ${round.round}` : '–'), h('td', {class: 'number'}, Number(extra.round_trip_us) > 0 ? seconds(Number(extra.round_trip_us) / 1000) : '–'), h('td', null, suspicion(extra)),
      h('td', {class: 'number'}, bytes(Number(peer.connection_status.SendMonitor.Bytes))), h('td', {class: 'number'}, bytes(Number(peer.connection_status.RecvMonitor.Bytes))), h('td', {class: 'number'}, seconds(Number(peer.connection_status.Duration) / 1e6)));
  })))];

views.mempool = async () => {
  const answer = await ask('unconfirmed_txs', {limit: '100'});
  const hashes = crypto.subtle ? await Promise.all((answer.txs || []).map(hashOf)) : (answer.txs || []).map(() => '(digests need https or localhost)');
  return [card(`${count(answer.total)} waiting transactions, ${bytes(Number(answer.total_bytes))}`, hashes.length ? table(['Hash', {text: 'Size', class: 'number'}], hashes.map((hash, i) => h('tr', null, h('td', {class: 'hash'}, hash), h('td', {class: 'number'}, bytes(Math.floor(answer.txs[i].length * 3 / 4)))))) : h('p', {class: 'quiet'}, 'Nothing waits.'))];
};

views.evidence = () => [
  model.alarm ? card('Fork', h('p', null, `Two histories of this chain are known to this node, apart from height ${model.alarm.height} on.${model.alarm.stopped_signing ? ' It has stopped signing.' : ''}`), h('pre', null, JSON.stringify(model.alarm, null, 2)), model.alarm.bundle ? h('p', null, 'The proof, for everybody to check with nothing but the genesis file: ', h('span', {class: 'hash'}, `quorate audit verify ${model.alarm.bundle} --genesis genesis.json`)) : null) : null,
  model.parents ? card('Votes on two parents', h('p', null, `At height ${model.parents.height} ${model.parents.validators} validators with power ${model.parents.power} of ${model.parents.total_power} voted for blocks on two parents. No correct validator does.`), model.parents.bundle ? h('p', null, 'The proof: ', h('span', {class: 'hash'}, `quorate audit verify ${model.parents.bundle} --genesis genesis.json`)) : null) : null,
  card('Evidence seen', model.evidence.length ? model.evidence.map(({height, evidence}) => h('div', null, h('p', null, 'In block ', heightLink(height), ': ', String(evidence.type || '').replace('tendermint/', '')), fold('As JSON', evidence))) : h('p', {class: 'quiet'}, `None in the blocks that this page has seen${model.alarm ? '' : ', and no fork is known'}.`)),
];

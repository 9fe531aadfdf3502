// What the page knows of the network, and how it hears of it: one WebSocket for events and questions. Nothing here draws.
'use strict';

const HISTORY = 100; // heights whose signers and intervals are remembered

const model = {
  link: 'connecting', status: null, validators: [], names: new Map(),
  round: {height: 0, round: 0, step: '', proposer: ''}, // of this node
  before: null,       // the round before: {height, round, proposer, votes}
  votes: new Map(),   // "prevote:INDEX" and "precommit:INDEX" of the current round: 'block', 'nil'
  heard: new Map(),   // address → {height, round, at} of its newest vote
  metas: new Map(),   // height → {height, hash, time, proposer, txs, bytes, evidence?}
  signers: new Map(), // height → Map address → true, as its commit says
  liveness: new Map(), // address → what the failure detector thinks
  peers: [], rounds: new Map(), // node id → what its gossip says of it
  mempool: {count: 0, bytes: 0}, evidence: [], alarm: null, parents: null,
};

const wire = {socket: null, next: 1, waiting: new Map(), retry: 500, onchange() {}};

const EVENTS = ['NewBlockHeader', 'NewRoundStep', 'CompleteProposal', 'Vote', 'NewEvidence'];

function ask(method, params = {}) {
  return new Promise((resolve, reject) => {
    if (!wire.socket || wire.socket.readyState !== WebSocket.OPEN) return reject(new Error('not connected to the node'));
    const id = wire.next++;
    const timer = setTimeout(() => { wire.waiting.delete(id); reject(new Error(`${method}: no answer within 10 s`)); }, 10000);
    wire.waiting.set(id, {resolve, reject, timer});
    wire.socket.send(JSON.stringify({jsonrpc: '2.0', id, method, params}));
  });
}

function hear(text) {
  const message = JSON.parse(text);
  const asked = wire.waiting.get(message.id);
  if (asked) {
    wire.waiting.delete(message.id);
    clearTimeout(asked.timer);
    if (message.error) asked.reject(new Error(message.error.data || message.error.message));
    else asked.resolve(message.result);
  } else if (message.result && message.result.data) {
    note(message.result.data.type.replace('tendermint/event/', ''), message.result.data.value, message.result.query);
  } else if (message.error) {
    wire.socket.close(); // we were too slow: begin again with a fresh picture
  }
}

function connect() {
  const socket = wire.socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/websocket`);
  socket.onmessage = event => hear(event.data);
  socket.onopen = async () => {
    wire.retry = 500;
    model.link = 'live';
    try {
      for (const event of EVENTS) await ask('subscribe', {query: `tm.event = '${event}'`});
      await learn();
    } catch (error) { console.warn(error); }
    wire.onchange();
  };
  socket.onclose = () => {
    model.link = 'lost';
    for (const asked of wire.waiting.values()) { clearTimeout(asked.timer); asked.reject(new Error('the node hung up')); }
    wire.waiting.clear();
    setTimeout(connect, wire.retry);
    wire.retry = Math.min(wire.retry * 2, 8000);
    wire.onchange();
  };
}

// ---- events

const VOTE_TYPES = {1: 'prevote', 2: 'precommit'};

function noteVote(vote) {
  const kind = VOTE_TYPES[vote.type];
  const height = Number(vote.height);
  const before = model.heard.get(vote.validator_address);
  if (!before || before.height < height || (before.height === height && before.round <= vote.round))
    model.heard.set(vote.validator_address, {height, round: vote.round, at: Date.now()});
  for (const {height: here, round, votes} of [{...model.round, votes: model.votes}, model.before || {}]) // late precommits count too
    if (kind && height === here && vote.round === round) votes.set(`${kind}:${vote.validator_index}`, vote.block_id.hash ? 'block' : 'nil');
}

function enter(height, round, step) {
  if (height !== model.round.height || round !== model.round.round) {
    model.before = {...model.round, votes: model.votes};
    model.votes = new Map();
    model.round.proposer = '';
  }
  Object.assign(model.round, {height, round, step: step.replace('RoundStep', '')});
}

function note(type, value) {
  if (type === 'Vote') noteVote(value.Vote || value);
  else if (type === 'RoundState') enter(Number(value.height), value.round, value.step);
  else if (type === 'CompleteProposal') enter(Number(value.height), value.round, value.step);
  else if (type === 'NewBlockHeader') noteHeader(value.header);
  else if (type === 'NewEvidence') noteEvidence(value.evidence || value.Evidence, Number(value.height));
  wire.onchange();
}

function noteHeader(header) {
  const height = Number(header.height);
  if (!model.metas.has(height)) model.metas.set(height, {height, time: Date.parse(header.time), proposer: header.proposer_address, hash: '', txs: null, bytes: null});
  if (model.status) {
    model.status.sync_info.latest_block_height = header.height;
    model.status.sync_info.latest_block_time = header.time;
  }
}

function noteEvidence(evidence, height) {
  if (!model.evidence.some(known => known.height === height && JSON.stringify(known.evidence) === JSON.stringify(evidence)))
    model.evidence.unshift({height, evidence});
}

// ---- questions, put again and again

async function learn() {
  model.status = await ask('status');
  const height = latest();
  await Promise.all([learnValidators(), learnBlocks(Math.max(1, height - 40), height), learnPeers(), learnRound(), learnMempool()].map(answer => answer.catch(error => console.warn(error))));
  if (!model.names.size) learnNames().catch(() => {});
}

const latest = () => model.status ? Number(model.status.sync_info.latest_block_height) : 0;
const earliest = () => model.status ? Math.max(1, Number(model.status.sync_info.earliest_block_height)) : 1;

async function learnNames() {
  const {genesis} = await ask('genesis');
  for (const validator of genesis.validators || []) model.names.set(validator.address, validator.name);
  model.names.set('', '');
}

async function learnValidators() {
  const all = [];
  for (let page = 1, total = 1; all.length < total && page <= 100; page++) {
    const answer = await ask('validators', {page: String(page), per_page: '100'});
    all.push(...answer.validators);
    total = Number(answer.total);
  }
  model.validators = all.map((validator, index) => ({index, address: validator.address, power: Number(validator.voting_power), key: validator.pub_key}));
}

async function learnBlocks(low, high) {
  for (let top = high; top >= low; top -= 20) {
    const answer = await ask('blockchain', {minHeight: String(Math.max(low, top - 19)), maxHeight: String(top)});
    for (const meta of answer.block_metas) {
      const height = Number(meta.header.height);
      model.metas.set(height, {height, hash: meta.block_id.hash, time: Date.parse(meta.header.time), proposer: meta.header.proposer_address,
        txs: Number(meta.num_txs), bytes: Number(meta.block_size)});
    }
  }
  for (let height = high - 1; height >= Math.max(earliest(), high - 40); height--) // the newest commit may still grow
    if (!model.signers.has(height)) await learnSigners(height);
  for (const known of [model.metas, model.signers])
    for (const height of known.keys()) if (height < latest() - HISTORY) known.delete(height);
}

async function learnSigners(height) {
  const {signed_header: signed} = await ask('commit', {height: String(height)});
  const flags = new Map(); // whoever is not in it was missed, or no validator then
  for (const signature of signed.commit.signatures)
    if (signature.validator_address) flags.set(signature.validator_address, signature.block_id_flag === 3 ? 'nil' : 'signed');
  model.signers.set(height, {flags, round: signed.commit.round});
}

async function learnPeers() {
  const answer = await ask('net_info');
  model.peers = answer.peers || [];
  model.liveness = new Map((answer.validators || []).map(validator => [validator.address, validator]));
  model.peers.sort((a, b) => a.node_info.moniker.localeCompare(b.node_info.moniker));
}

async function learnRound() {
  const {round_state: state, peers} = await ask('dump_consensus_state');
  const steps = ['', 'NewHeight', 'NewRound', 'Propose', 'Prevote', 'PrevoteWait', 'Precommit', 'PrecommitWait', 'Commit'];
  enter(Number(state.height), state.round, steps[state.step] || '');
  model.round.proposer = state.validators && state.validators.proposer ? state.validators.proposer.address : '';
  for (const round of state.votes || []) if (round.round === state.round)
    for (const kind of ['prevote', 'precommit']) (round[kind + 's'] || []).forEach((text, index) => {
      if (text !== 'nil-Vote') model.votes.set(`${kind}:${index}`, / 000000000000 [0-9A-F]{12} /.test(text) && /\) 000000000000 /.test(text) ? 'nil' : 'block');
    });
  model.rounds.clear();
  for (const peer of peers || []) model.rounds.set(peer.node_address.split('@')[0], peer.peer_state.round_state);
}

async function learnMempool() {
  const answer = await ask('num_unconfirmed_txs');
  model.mempool = {count: Number(answer.total), bytes: Number(answer.total_bytes)};
}

async function learnAlarm() { // ours alone: another node that serves this page's questions does not know the method
  const alarm = await ask('fork_alarm').catch(() => null);
  model.alarm = alarm && alarm.raised ? alarm : null;
  model.parents = (alarm && alarm.two_parents) || null;
}

async function tick() {
  if (model.link !== 'live') return;
  model.status = await ask('status');
  const high = latest();
  let low = high;
  while (low > Math.max(1, high - 40) && !(model.metas.get(low - 1) || {}).hash) low--;
  await Promise.all([learnBlocks(low, high), learnPeers(), learnMempool(), learnRound(), learnAlarm()]);
  if (high % 10 === 0 || model.validators.length === 0) await learnValidators();
}

// curl, by URI: every route.
import { execFile } from "node:child_process";
import { must } from "./report.mjs";

const get = (url) =>
  new Promise((resolve, reject) =>
    execFile("curl", ["-sS", "-m", "30", "-w", "\n%{http_code}", url], { maxBuffer: 1 << 28 }, (error, out) => {
      if (error) return reject(error);
      const cut = out.lastIndexOf("\n");
      resolve({ text: out.slice(0, cut), status: Number(out.slice(cut + 1)) });
    }));

export async function curlRoutes(report, net, facts) {
  const url = net.nodes[0].url, client = "curl";
  const { height, hash, blockHash, address } = facts;
  const routes = {
    health: ["", (r) => Object.keys(r).length === 0],
    status: ["", (r) => Number(r.sync_info.latest_block_height) >= height && r.node_info.network === "clients-1"],
    net_info: ["", (r) => Number(r.n_peers) === net.nodes.length - 1 && r.peers.length === net.nodes.length - 1],
    genesis: ["", (r) => r.genesis.chain_id === "clients-1"],
    genesis_chunked: ["chunk=0", (r) => r.total === "1" && JSON.parse(Buffer.from(r.data, "base64")).chain_id === "clients-1"],
    blockchain: ["minHeight=1&maxHeight=3", (r) => r.block_metas.length === 3 && r.block_metas[0].header.height === "3"],
    block: [`height=${height}`, (r) => r.block.header.height === String(height) && r.block_id.hash === blockHash],
    block_by_hash: [`hash=0x${blockHash}`, (r) => r.block.header.height === String(height)],
    block_results: [`height=${height}`, (r) => r.height === String(height) && r.txs_results.length === 1 && r.txs_results[0].code === 0],
    block_search: [`query="block.height = ${height}"&page=1&per_page=1&order_by="asc"`, (r) => r.total_count === "1" && r.blocks[0].block_id.hash === blockHash],
    header: [`height=${height}`, (r) => r.header.height === String(height)],
    header_by_hash: [`hash=0x${blockHash}`, (r) => r.header.height === String(height)],
    commit: [`height=${height}`, (r) => r.canonical === true && r.signed_header.commit.signatures.length === net.nodes.length],
    validators: ["height=2&page=1&per_page=2", (r) => r.count === "2" && r.total === String(net.nodes.length)],
    consensus_params: ["height=2", (r) => r.block_height === "2" && "block" in r.consensus_params],
    consensus_state: ["", (r) => "height/round/step" in r.round_state],
    dump_consensus_state: ["", (r) => Number(r.round_state.height) >= height],
    tx: [`hash=0x${hash}&prove=true`, (r) => r.hash === hash && r.height === String(height) && r.proof.proof.total === "1"],
    tx_search: [`query="transfer.sender = '${address}'"&prove=true&order_by="desc"`, (r) => Number(r.total_count) >= 1 && r.txs.some((t) => t.hash === hash)],
    unconfirmed_txs: ["limit=5", (r) => "n_txs" in r && "txs" in r],
    num_unconfirmed_txs: ["", (r) => "n_txs" in r],
    abci_info: ["", (r) => Number(r.response.last_block_height) >= height],
    abci_query: [`path="/app/version"&data=0x`, (r) => "code" in r.response],
    check_tx: [`tx=0x0102`, (r) => r.code !== 0],
    broadcast_tx_sync: [`tx=0x0102`, (r) => r.code !== 0 && r.hash.length === 64],
    broadcast_tx_async: [`tx=0x010203`, (r) => r.code === 0 && r.hash.length === 64],
    broadcast_tx_commit: [`tx=0x01020304`, (r) => r.check_tx.code !== 0],
    vote_log: [`height=${height}`, (r) => r.height === String(height)], // ours
    fork_alarm: ["", (r) => r.raised === false && r.bundle === ""], // ours
    unsafe_flush_mempool: ["", (r) => Object.keys(r).length === 0],
    dial_seeds: [`seeds=[]`, undefined, /no seeds/],
    dial_peers: [`peers=[]`, undefined, /no peers/],
    broadcast_evidence: [`evidence={}`, undefined, /evidence|unmarshal|params/i],
  };
  const index = await get(`${url}/`);
  const known = new Set([...index.text.matchAll(/\/\/[^"<>\s]*?\/([a-z_]+)[?"<\s]/g)].map((match) => match[1]));
  await report.check(client, "the index at / names the routes", () => must(known.has("status") && known.has("tx_search"), `it names ${[...known].join(" ")}`));
  for (const [route, [query, holds, refusal]] of Object.entries(routes)) {
    let fault;
    try {
      const answer = await get(encodeURI(`${url}/${route}${query ? `?${query}` : ""}`));
      const json = JSON.parse(answer.text);
      if (holds) must(json.result !== undefined && holds(json.result), answer.text.slice(0, 200));
      else must(json.error !== undefined && refusal.test(JSON.stringify(json.error)), answer.text.slice(0, 200));
    } catch (error) {
      fault = error.message;
    }
    if (fault && !known.has(route)) continue; // not there, and not promised
    report.note(client, route, fault);
    await report.check(client, route, () => must(!fault, fault));
  }
  return known;
}

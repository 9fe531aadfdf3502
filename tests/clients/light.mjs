// The light client's proxy, asked by clients that nobody here wrote: verified answers, and verified blocks over its WebSocket.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { Comet38Client, HttpClient, WebsocketClient } from "@cosmjs/tendermint-rpc";
import { freePorts, until } from "./net.mjs";
import { must } from "./report.mjs";
import { ask } from "./wscat.mjs";

async function start(quorate, net, folder) {
  const { result } = await (await fetch(`${net.nodes[0].url}/commit?height=2`)).json();
  const port = await freePorts(1), home = mkdtempSync(`${folder}/light-`), log = `${home}/log`, out = openSync(log, "w");
  const child = spawn(quorate, ["light", "clients-1", "--primary", net.nodes[0].url, "--witnesses", `${net.nodes[1].url},${net.nodes[2].url}`, "--height", "2",
    "--hash", result.signed_header.commit.block_id.hash, "--home-dir", home, "--laddr", `tcp://127.0.0.1:${port}`], { stdio: ["ignore", out, out] });
  const url = `http://127.0.0.1:${port}`;
  await until("the light client listens", async () => {
    if (child.exitCode !== null) throw new Error(readFileSync(log, "utf8"));
    return (await fetch(`${url}/health`)).ok;
  });
  return { child, url };
}

const take = (stream, count) =>
  new Promise((resolve, reject) => {
    const got = [], timer = setTimeout(() => reject(new Error(`${got.length} of ${count} in 60 s`)), 60000);
    const subscription = stream.subscribe({
      next: (event) => {
        got.push(event);
        if (got.length < count) return;
        clearTimeout(timer);
        queueMicrotask(() => subscription.unsubscribe());
        resolve(got);
      },
      error: reject,
      complete: () => reject(new Error("the stream ended")),
    });
  });

async function talk(report, net, { url }, facts, sign, folder) {
  const check = (what, work) => report.check("light", what, work);
  const http = Comet38Client.create(new HttpClient(url));
  const socket = Comet38Client.create(new WebsocketClient(url.replace("http", "ws")));
  await check("websocket: it connects", () => socket.health()); // at once: CosmJS 0.39 sends nothing any more if it connects with nothing to send
  for (const [name, comet] of [["http", http], ["websocket", socket]]) {
    await check(`${name}: block`, async () => must((await comet.block(facts.height)).block.txs.length === 1, "content"));
    await check(`${name}: blockResults`, async () => must((await comet.blockResults(facts.height)).results.length === 1, "results"));
    await check(`${name}: commit`, async () => must((await comet.commit(facts.height)).commit.signatures.length === 4, "signatures"));
    await check(`${name}: validatorsAll`, async () => must((await comet.validatorsAll(2)).validators.length === 4, "count"));
    await check(`${name}: genesis`, async () => must((await comet.genesis()).chainId === "clients-1", "chain id"));
  }
  await check("websocket: blocks in order, as the node has them", async () => {
    const blocks = await take(socket.subscribeNewBlock(), 3);
    must(blocks[1].header.height === blocks[0].header.height + 1 && blocks[2].header.height === blocks[0].header.height + 2, "order");
    const node = await (await fetch(`${net.nodes[3].url}/header?height=${blocks[0].header.height}`)).json();
    must(new Date(node.result.header.time).getTime() === blocks[0].header.time.getTime(), "another block");
  });
  await check("websocket: a transaction that is sent through it is told", async () => {
    const told = take(socket.subscribeTx(), 1);
    const { hash } = await socket.broadcastTxSync({ tx: await sign() });
    const [event] = await told;
    must(Buffer.from(event.hash).equals(Buffer.from(hash)) && event.result.code === 0, "another transaction");
  });
  await check("wscat: subscribe, and events of consensus are refused", async () => {
    const rpc = (query) => ({ jsonrpc: "2.0", id: 7, method: "subscribe", params: { query } });
    const answers = await ask(folder, url, rpc("tm.event='NewBlockHeader'"), 8);
    must(answers.length >= 3 && JSON.stringify(answers[0].result) === "{}" && answers.every((answer) => answer.id === 7), JSON.stringify(answers).slice(0, 200));
    const refused = await ask(folder, url, rpc("tm.event='Vote'"), 2);
    must(/cannot be verified/.test(refused[0].error.data), JSON.stringify(refused));
  });
  await check("the primary goes; the witness's blocks are told without a gap", async () => {
    const told = take(socket.subscribeNewBlockHeader(), 8);
    net.nodes[0].child.kill("SIGSTOP");
    try {
      const headers = await told;
      must(headers.every((header, i) => i === 0 || header.height === headers[i - 1].height + 1), "a gap");
    } finally {
      net.nodes[0].child.kill("SIGCONT");
    }
  });
  http.disconnect();
  socket.disconnect();
}

export async function light(report, quorate, net, folder, facts, sign) {
  const proxy = await start(quorate, net, folder);
  try {
    await talk(report, net, proxy, facts, sign, folder);
  } finally {
    const gone = new Promise((resolve) => proxy.child.once("exit", resolve));
    proxy.child.kill("SIGTERM");
    const code = await gone;
    await report.check("light", "it ends when it is told to", () => must(code === 0, `status ${code}`));
  }
}

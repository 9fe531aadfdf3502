// @cosmjs/tendermint-rpc: every method of its client, over HTTP, batches and WebSocket.
import { fromHex, toUtf8 } from "@cosmjs/encoding";
import { Comet38Client, connectComet, HttpBatchClient, HttpClient, WebsocketClient } from "@cosmjs/tendermint-rpc";
import { must } from "./report.mjs";
import { until } from "./net.mjs";

// Notes what goes through it.
export function recorded(report, name, client) {
  const note = (request, fault) => report.note(name, request.method, fault);
  const wrapped = {
    execute: async (request) => {
      try {
        const response = await client.execute(request);
        note(request);
        return response;
      } catch (error) {
        if (!/mempool|not found|already exists|invalid/i.test(String(error))) note(request, error);
        throw error;
      }
    },
    disconnect: () => client.disconnect(),
  };
  if (client.listen) wrapped.listen = (request) => client.listen(request);
  return wrapped;
}

const first = (stream, matches = () => true) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no event in 60 s")), 60000);
    const subscription = stream.subscribe({
      next: (event) => {
        if (!matches(event)) return;
        clearTimeout(timer);
        resolve(event);
        queueMicrotask(() => subscription.unsubscribe());
      },
      error: (error) => { clearTimeout(timer); reject(error); },
      complete: () => { clearTimeout(timer); reject(new Error("the stream ended")); },
    });
  });

async function questions(report, name, comet, facts) {
  const { height, hash, address } = facts;
  const check = (what, work) => report.check(name, what, work);
  await check("abciInfo", async () => must((await comet.abciInfo()).lastBlockHeight >= height, "height"));
  await check("abciQuery", async () => must((await comet.abciQuery({ path: "/app/version", data: toUtf8("") })).code !== undefined, "code"));
  await check("block", async () => {
    const { block, blockId } = await comet.block(height);
    must(block.header.height === height && block.txs.length === 1 && blockId.hash.length === 32, "content");
  });
  await check("block, the newest", async () => must((await comet.block()).block.header.height >= height, "height"));
  await check("blockResults", async () => must((await comet.blockResults(height)).results[0].events.some((e) => e.type === "transfer"), "events"));
  await check("blockSearch", async () => must((await comet.blockSearch({ query: `block.height = ${height}`, page: 1, per_page: 1 })).blocks[0].block.header.height === height, "height"));
  await check("blockSearchAll", async () => must((await comet.blockSearchAll({ query: "block.height <= 5", per_page: 2 })).blocks.length === 5, "count"));
  await check("blockchain", async () => must((await comet.blockchain(1, 3)).blockMetas.length === 3, "count"));
  await check("commit", async () => must((await comet.commit(height)).commit.signatures.length === 4, "signatures"));
  await check("genesis", async () => must((await comet.genesis()).chainId === "clients-1", "chain id"));
  await check("health", async () => must((await comet.health()) === null, "answer"));
  await check("numUnconfirmedTxs", async () => must((await comet.numUnconfirmedTxs()).total >= 0, "total"));
  await check("status", async () => must((await comet.status()).syncInfo.latestBlockHeight >= height, "height"));
  await check("tx", async () => must((await comet.tx({ hash: fromHex(hash), prove: true })).proof.proof.total === 1, "proof"));
  await check("txSearch", async () => {
    const { txs, totalCount } = await comet.txSearch({ query: `transfer.sender = '${address}' AND tx.height <= ${height}`, prove: true, order_by: "desc", per_page: 1 });
    must(totalCount >= 1 && txs.length === 1 && txs[0].result.code === 0 && txs[0].proof, "result");
  });
  await check("txSearchAll", async () => must((await comet.txSearchAll({ query: "tx.height > 0", per_page: 1 })).txs.length >= 2, "count"));
  await check("validators", async () => must((await comet.validators({ height: 2, page: 2, per_page: 3 })).validators.length === 1, "page"));
  await check("validatorsAll", async () => must((await comet.validatorsAll(2)).validators.length === 4, "count"));
}

async function sending(report, name, comet, sign) {
  const check = (what, work) => report.check(name, what, work);
  await check("broadcastTxSync", async () => {
    const answer = await comet.broadcastTxSync({ tx: await sign() });
    must(answer.code === 0 && answer.hash.length === 32, `code ${answer.code}: ${answer.log}`);
    await until("it is found", () => comet.tx({ hash: answer.hash }).then((found) => found.result.code === 0));
  });
  await check("broadcastTxAsync", async () => {
    const answer = await comet.broadcastTxAsync({ tx: await sign() });
    await until("it is found", () => comet.tx({ hash: answer.hash }).then((found) => found.result.code === 0));
  });
  await check("broadcastTxCommit", async () => {
    const answer = await comet.broadcastTxCommit({ tx: await sign() });
    must(answer.checkTx.code === 0 && answer.txResult.code === 0 && answer.height > 0, "result");
    must((await comet.tx({ hash: answer.hash })).height === answer.height, "not found at once");
  });
}

async function events(report, name, comet, sign) {
  const check = async (what, work) => report.note(name, what.startsWith("sub") ? "subscribe" : "unsubscribe", (await report.check(name, what, work)) ? undefined : "failed");
  await check("subscribeNewBlock", async () => must((await first(comet.subscribeNewBlock())).header.height > 0, "height"));
  await check("subscribeNewBlockHeader", async () => must((await first(comet.subscribeNewBlockHeader())).height > 0, "height"));
  await check("subscribeTx", async () => {
    const event = first(comet.subscribeTx());
    await comet.broadcastTxSync({ tx: await sign() });
    must((await event).result.code === 0, "result");
  });
  await check("subscribeTx with a query", async () => {
    const event = first(comet.subscribeTx("transfer.amount CONTAINS 'unit'"));
    await comet.broadcastTxSync({ tx: await sign() });
    must((await event).height > 0, "height");
  });
}

export async function cosmjs(report, net, facts, sign) {
  const { url } = net.nodes[1];
  await report.check("cosmjs", "connectComet chooses Comet38Client", async () => {
    const client = await connectComet(url);
    must(client instanceof Comet38Client, "another client");
    client.disconnect();
  });
  const http = Comet38Client.create(recorded(report, "http", new HttpClient(url)));
  await questions(report, "http", http, facts);
  await sending(report, "http", http, sign);
  const batching = recorded(report, "batch", new HttpBatchClient(url, { batchSizeLimit: 8, dispatchInterval: 20 }));
  await questions(report, "batch", Comet38Client.create(batching), facts);
  await report.check("batch", "many questions in few requests", async () => {
    const comet = Comet38Client.create(batching);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => comet.block(1 + (i % 5))));
    must(answers.every((answer, i) => answer.block.header.height === 1 + (i % 5)), "mixed up");
  });
  batching.disconnect();
  let broken;
  const socket = new WebsocketClient(url.replace("http", "ws"), (error) => (broken = error));
  const ws = Comet38Client.create(recorded(report, "websocket", socket));
  if (!(await report.check("websocket", "it connects", () => Promise.race([ws.health(), new Promise((_, no) => setTimeout(() => no(broken ?? new Error("no answer")), 10000))])))) return;
  await questions(report, "websocket", ws, facts);
  await sending(report, "websocket", ws, sign);
  await events(report, "websocket", ws, sign);
  ws.disconnect();
}

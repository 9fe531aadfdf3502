// @cosmjs/stargate: tokens sent on the `ledger` application, balances, transactions found again.
import { readFileSync } from "node:fs";
import { fromBase64 } from "@cosmjs/encoding";
import { DirectSecp256k1Wallet } from "@cosmjs/proto-signing";
import { SigningStargateClient } from "@cosmjs/stargate";
import { Comet38Client, HttpClient } from "@cosmjs/tendermint-rpc";
import { TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx";
import { recorded } from "./cosmjs.mjs";
import { must } from "./report.mjs";

const NO_FEE = { amount: [], gas: "200000" };

export async function wallet(folder, index) {
  const key = JSON.parse(readFileSync(`${folder}/accounts/account${index}.json`, "utf8"));
  const signer = await DirectSecp256k1Wallet.fromKey(fromBase64(key.priv_key.value), "quorate");
  return { signer, address: (await signer.getAccounts())[0].address };
}

export async function stargate(report, net) {
  const { url } = net.nodes[2], name = "stargate";
  const from = await wallet(net.folder, 0), to = await wallet(net.folder, 1);
  const comet = Comet38Client.create(recorded(report, name, new HttpClient(url)));
  const client = SigningStargateClient.createWithSigner(comet, from.signer, { broadcastPollIntervalMs: 200 });
  const check = (what, work) => report.check(name, what, work);
  const balance = async (address) => BigInt((await client.getBalance(address, "unit")).amount);
  let sent;
  await check("getChainId, getHeight", async () => must((await client.getChainId()) === "clients-1" && (await client.getHeight()) > 0, "content"));
  await check("getAccount", async () => must((await client.getAccount(from.address)).sequence === 0, "sequence"));
  await check("getBalance", async () => must((await balance(from.address)) === 1000000000000n, "amount"));
  await check("getAllBalances", async () => must((await client.getAllBalances(from.address))[0].denom === "unit", "denom"));
  await check("simulate", async () => {
    const message = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: from.address, toAddress: to.address, amount: [{ denom: "unit", amount: "1" }] } };
    must((await client.simulate(from.address, [message], "")) > 0, "gas");
  });
  await check("sendTokens", async () => {
    sent = await client.sendTokens(from.address, to.address, [{ denom: "unit", amount: "5" }], NO_FEE, "hello");
    must(sent.code === 0 && sent.height > 0 && sent.events.some((event) => event.type === "transfer"), sent.rawLog);
    must((await balance(to.address)) === 1000000000005n && (await balance(from.address)) === 999999999995n, "balances");
  });
  // Not "auto": it names a fee of zero coins, and this chain wants a fee without coins.
  await check("sendTokens with the gas that was simulated", async () => {
    const message = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: from.address, toAddress: to.address, amount: [{ denom: "unit", amount: "1" }] } };
    const gas = await client.simulate(from.address, [message], "");
    must((await client.signAndBroadcast(from.address, [message], { amount: [], gas: String(Math.ceil(gas * 1.2)) })).code === 0, "code");
  });
  await check("too much is refused", async () => {
    const answer = await client.sendTokens(from.address, to.address, [{ denom: "unit", amount: "99999999999999" }], NO_FEE).catch((error) => ({ code: 1, error }));
    must(answer.code !== 0, "accepted");
  });
  await check("getTx", async () => must((await client.getTx(sent.transactionHash)).height === sent.height, "height"));
  await check("searchTx by events", async () => {
    const found = await client.searchTx([{ key: "transfer.recipient", value: to.address }, { key: "transfer.amount", value: "5unit" }]);
    must(found.length === 1 && found[0].hash === sent.transactionHash, `${found.length} found`);
  });
  await check("searchTx by query", async () => must((await client.searchTx(`message.sender = '${from.address}' AND tx.height >= ${sent.height}`)).length >= 2, "count"));
  await check("getBlock", async () => must((await client.getBlock(sent.height)).txs.length >= 1, "txs"));
  const block = await comet.block(sent.height);
  return { height: sent.height, hash: sent.transactionHash, address: from.address, blockHash: Buffer.from(block.blockId.hash).toString("hex").toUpperCase() };
}

// Signed transfers, each with the next sequence, for whoever wants to broadcast one.
export async function signerOf(net) {
  const from = await wallet(net.folder, 2), to = await wallet(net.folder, 1);
  const client = await SigningStargateClient.connectWithSigner(net.nodes[1].url, from.signer);
  const { accountNumber, sequence } = await client.getSequence(from.address);
  let next = sequence;
  const message = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: from.address, toAddress: to.address, amount: [{ denom: "unit", amount: "1" }] } };
  return async () => TxRaw.encode(await client.sign(from.address, [message], NO_FEE, "", { accountNumber, sequence: next++, chainId: "clients-1" })).finish();
}

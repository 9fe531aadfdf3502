// wscat: a WebSocket by hand.
import { spawn } from "node:child_process";
import { must } from "./report.mjs";

export function ask(folder, url, request, seconds) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${folder}/node_modules/wscat/bin/wscat`, "--no-color", "-c", `${url.replace("http", "ws")}/websocket`, "-x",
      JSON.stringify(request), "-w", String(seconds)], { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (out += data));
    child.once("error", reject);
    child.once("exit", () => resolve(out.split("\n").map((line) => line.replace(/^[<>\s]+/, "")).filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))));
    setTimeout(() => child.kill("SIGKILL"), (seconds + 30) * 1000).unref();
  });
}

export async function wscat(report, net, folder) {
  const name = "wscat", { url } = net.nodes[3];
  const check = async (route, what, work) => report.note(name, route, (await report.check(name, what, work)) ? undefined : "failed");
  const rpc = (method, params, id) => ({ jsonrpc: "2.0", id, method, params });
  await check("status", "status, with the id that was given", async () => {
    const answers = await ask(folder, url, rpc("status", {}, "my-id"), 2);
    must(answers.length === 1 && answers[0].id === "my-id" && answers[0].result.node_info.network === "clients-1", JSON.stringify(answers).slice(0, 200));
  });
  await check("subscribe", "subscribe gives {} and then blocks", async () => {
    const answers = await ask(folder, url, rpc("subscribe", { query: "tm.event='NewBlock'" }, 7), 6);
    must(answers.length >= 3, `${answers.length} messages`);
    must(JSON.stringify(answers[0].result) === "{}" && answers.every((answer) => answer.id === 7), "ids");
    const heights = answers.slice(1).map((answer) => Number(answer.result.data.value.block.header.height));
    must(heights.every((height, i) => i === 0 || height === heights[i - 1] + 1), `heights ${heights}`);
  });
  await check("unsubscribe", "unsubscribe from what was never asked for is an error", async () => {
    const answers = await ask(folder, url, rpc("unsubscribe", { query: "tm.event='Tx'" }, 8), 2);
    must(answers.length === 1 && answers[0].error, JSON.stringify(answers).slice(0, 200));
  });
  await check("unsubscribe_all", "unsubscribe_all too", async () => {
    const answers = await ask(folder, url, rpc("unsubscribe_all", {}, 9), 2);
    must(answers.length === 1 && answers[0].id === 9, JSON.stringify(answers).slice(0, 200));
  });
  await check("subscribe", "a query that is none is refused", async () => {
    const answers = await ask(folder, url, rpc("subscribe", { query: "nonsense" }, 10), 2);
    must(answers.length === 1 && /failed to parse query/.test(JSON.stringify(answers[0].error)), JSON.stringify(answers).slice(0, 200));
  });
}

// make clients: main.mjs QUORATE FOLDER. Exit status 0: all that was tried went well.
import { resolve } from "node:path";
import { cosmjs } from "./cosmjs.mjs";
import { curlRoutes } from "./curl.mjs";
import { light } from "./light.mjs";
import { metrics } from "./metrics.mjs";
import { startNet, stopNet } from "./net.mjs";
import { Report } from "./report.mjs";
import { signerOf, stargate } from "./stargate.mjs";
import { wscat } from "./wscat.mjs";

const [quorate, folder] = process.argv.slice(2).map((path) => resolve(path));
const report = new Report();
const bound = setTimeout(() => {
  console.log("clients: it took too long");
  net.nodes.forEach(({ child }) => child.kill("SIGKILL"));
  process.exit(1);
}, 600000);
const net = await startNet(quorate, `${folder}/net`, 4);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stopNet(net).then(() => process.exit(1)));
let known = new Set();
try {
  const facts = await stargate(report, net);
  const sign = await signerOf(net);
  await cosmjs(report, net, facts, sign);
  known = await curlRoutes(report, net, facts);
  await wscat(report, net, folder);
  await metrics(report, net, folder);
  await light(report, quorate, net, folder, facts, sign);
} catch (error) {
  await report.check("clients", "they run to their end", () => { throw error; });
} finally {
  await stopNet(net);
  clearTimeout(bound);
}
report.table([...new Set([...known, ...report.routes.keys()])].sort(), ["curl", "http", "batch", "websocket", "stargate", "wscat"]);
console.log(`clients: ${report.checks.length - report.failed} passed, ${report.failed} failed`);
process.exit(report.failed === 0 ? 0 : 1);

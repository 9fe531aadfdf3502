// promtool and a real Prometheus at the metrics.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { must } from "./report.mjs";
import { freePorts, until } from "./net.mjs";

async function scraping(report, net, folder) {
  const port = await freePorts(1), data = `${folder}/prometheus`;
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  writeFileSync(`${data}/prometheus.yml`, `global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: quorate\n    static_configs:\n      - targets: ${JSON.stringify(net.nodes.map((node) => node.metrics))}\n`);
  const log = openSync(`${data}/log`, "w");
  const child = spawn("prometheus", [`--config.file=${data}/prometheus.yml`, `--storage.tsdb.path=${data}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: ["ignore", log, log] });
  const query = async (text) => (await (await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`)).json()).data.result;
  try {
    await report.check("prometheus", "all four nodes are up", () => until("up", async () => (await query("up == 1")).length === net.nodes.length));
    await report.check("prometheus", "cometbft_consensus_height grows", () => until("growth", async () => (await query("increase(cometbft_consensus_height[10s]) > 0")).length === net.nodes.length));
    await report.check("prometheus", "every series has its chain", () => until("label", async () => (await query('cometbft_consensus_height{chain_id="clients-1"}')).length === net.nodes.length));
  } finally {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
}

export async function metrics(report, net, folder) {
  if (net.nodes[0].metrics === undefined) {
    console.log("!! this build serves no metrics: promtool and prometheus are PASSED OVER");
    return;
  }
  if (spawnSync("promtool", ["--version"]).error || spawnSync("prometheus", ["--version"]).error) {
    console.log("!! NO promtool or prometheus HERE (Debian package prometheus): the metrics are PASSED OVER");
    return;
  }
  await report.check("promtool", "check metrics", async () => {
    const text = await (await fetch(`http://${net.nodes[0].metrics}/metrics`)).text();
    const result = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    must(!/error while linting|parse error/i.test(result.stderr) && result.status !== 1, result.stderr.split("\n")[0]);
    must(text.includes("cometbft_consensus_height"), "no cometbft_consensus_height");
  });
  await scraping(report, net, folder);
}

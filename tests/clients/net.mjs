// A network of real nodes on free loopback ports, made with `quorate testnet`, ended by their process ids.
import { execFileSync, spawn } from "node:child_process";
import { openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

export async function freePorts(count) {
  for (let base = 42000 + (process.pid % 200) * 64; base < 65000; base += count) {
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no free ports");
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Generous: the machine may be busy.
export async function until(what, condition, ms = 120000) {
  for (const end = Date.now() + ms; ; await sleep(200)) {
    const value = await Promise.resolve(condition()).catch(() => undefined);
    if (value) return value;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
  }
}

export async function startNet(quorate, folder, count) {
  const base = await freePorts(3 * count);
  rmSync(folder, { recursive: true, force: true });
  execFileSync(quorate, ["testnet", "--v", String(count), "--o", folder, "--loopback-base-port", String(base), "--accounts", "3", "--chain-id",
    "clients-1", "--consensus.timeout_commit", "200ms", "--rpc.unsafe", "true"]);
  const hasMetrics = readFileSync(`${folder}/node0/config/config.toml`, "utf8").includes("[instrumentation]");
  const nodes = Array.from({ length: count }, (_, i) => {
    const log = openSync(`${folder}/node${i}.log`, "w");
    const metrics = base + 2 * count + i;
    const more = hasMetrics ? ["--instrumentation.prometheus", "true", "--instrumentation.prometheus_listen_addr", `127.0.0.1:${metrics}`] : [];
    const child = spawn(quorate, ["start", "--home", `${folder}/node${i}`, ...more], { stdio: ["ignore", log, log] });
    return { child, url: `http://127.0.0.1:${base + 2 * i + 1}`, metrics: hasMetrics ? `127.0.0.1:${metrics}` : undefined, log: `${folder}/node${i}.log` };
  });
  const net = { nodes, folder };
  try {
    await until("all nodes commit", async () => {
      for (const node of nodes) {
        if (node.child.exitCode !== null) throw new Error(readFileSync(node.log, "utf8"));
        const status = await (await fetch(`${node.url}/status`)).json();
        if (Number(status.result.sync_info.latest_block_height) < 3) return false;
      }
      return true;
    });
  } catch (error) {
    await stopNet(net);
    throw error;
  }
  return net;
}

export async function stopNet(net) {
  const ends = net.nodes.map(({ child }) => child.exitCode !== null ? Promise.resolve() : new Promise((resolve) => child.once("exit", resolve)));
  for (const { child } of net.nodes) child.kill("SIGTERM");
  const timer = setTimeout(() => net.nodes.forEach(({ child }) => child.kill("SIGKILL")), 15000);
  await Promise.all(ends);
  clearTimeout(timer);
}

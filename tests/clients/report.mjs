// What was tried, by which client, and the table of routes.
export class Report {
  constructor() {
    this.routes = new Map(); // route → client → true (good) or an error's text
    this.checks = []; // {client, what, fault}
  }

  note(client, route, fault) {
    const row = this.routes.get(route) ?? new Map();
    this.routes.set(route, row);
    if (!row.has(client) || fault) row.set(client, fault ? String(fault) : true);
  }

  async check(client, what, work) {
    let fault;
    try {
      await work();
    } catch (error) {
      fault = String(error?.message ?? error).split("\n")[0];
    }
    this.checks.push({ client, what, fault });
    console.log(`${fault ? "FAIL" : "ok  "}  ${client.padEnd(12)} ${what}${fault ? `: ${fault}` : ""}`);
    return fault === undefined;
  }

  table(routes, clients) {
    const width = Math.max(...routes.map((route) => route.length));
    console.log(`\n${"".padEnd(width)}  ${clients.map((client) => client.padEnd(12)).join("")}`);
    for (const route of routes) {
      const row = this.routes.get(route) ?? new Map();
      const cells = clients.map((client) => (row.has(client) ? (row.get(client) === true ? "ok" : "FAIL") : "-").padEnd(12));
      console.log(`${route.padEnd(width)}  ${cells.join("")}`);
    }
    const bare = routes.filter((route) => ![...(this.routes.get(route) ?? new Map()).values()].includes(true));
    console.log(bare.length === 0 ? "\nevery route was exercised by a client" : `\nroutes that no client exercised: ${bare.join(", ")}`);
  }

  get failed() {
    return this.checks.filter((check) => check.fault).length;
  }
}

export function must(condition, what) {
  if (!condition) throw new Error(what);
}

/** The web's server as a process of its own for the benches: one admin with a password of full cost, behind a trusted proxy. Says its port and a login's cookie. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSettings } from "../../src/config.ts";
import type { WebSettings } from "../../src/config-parts.ts";
import { hashPassword } from "../../src/faces/web/auth/password-hash.ts";
import { yieldPool } from "../../src/faces/web/auth/pool-priority.ts";
import { openWebCore } from "../../src/faces/web/web-core.ts";
import { startWebServer } from "../../src/faces/web/web-server.ts";
import { streamLog } from "../../src/log.ts";

await yieldPool(); // as `sluice web` does
await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
const input = { data_directory: join(folder.path, "data"), web: { trusted_proxies: ["127.0.0.1"] } };
const settings = parseSettings("sluice.json", input, {}, "UTC");
const web: WebSettings = { ...(settings.web as WebSettings), listen: { host: "127.0.0.1", port: 0 } };
const options = {
  settings,
  web,
  log: streamLog(process.stderr),
  audit: async () => {},
  now: () => Date.now(),
};
await using core = openWebCore(options);
const password = await hashPassword("correct horse");
// A name that is tried again is delayed: each round has one of its own.
for (const name of ["root", ...Array.from({ length: 30 }, (_, index) => `admin${index}`)]) {
  core.admins.add({ name, role: "admin", password }, Date.now());
}
const admin = core.admins.find("root") as { id: number };
await using server = await startWebServer(core, {
  page: new Map(),
  count: (_, next) => next(),
  routes: [],
  attach: (socket) => socket.close(),
});
process.stdout.write(`${server.port} ${core.logins.begin(admin, "127.0.0.1", Date.now())}\n`);
await new Promise((resolve) => process.once("SIGTERM", resolve));

/** The web's server in this process, over loopback, with a folder of its own: what its tests speak HTTP with. */
import { scryptSync } from "node:crypto";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSettings } from "../../src/config.ts";
import type { WebSettings } from "../../src/config-parts.ts";
import type { AuditRow } from "../../src/control/rows.ts";
import type { Page } from "../../src/faces/web/http/static-files.ts";
import { openWebCore, type WebCore } from "../../src/faces/web/web-core.ts";
import { type Bounds, type ServerParts, startWebServer } from "../../src/faces/web/web-server.ts";
import type { Log } from "../../src/log.ts";

export const PASSWORD = "correct horse battery";

export interface TestWeb extends AsyncDisposable {
  readonly core: WebCore;
  readonly port: number;
  /** "http://127.0.0.1:4711" */
  readonly origin: string;
  /** What was told to the daemon. */
  readonly audited: AuditRow[];
  readonly logged: string[];
  /** What the server takes for now; move it at will. */
  readonly clock: { now: number };
}

export interface TestWebOptions {
  /** As in the settings file, below "web". */
  readonly web?: object;
  readonly overrides?: Partial<WebSettings>;
  readonly page?: Page;
  readonly routes?: ServerParts["routes"];
  readonly attach?: ServerParts["attach"];
  readonly bounds?: Bounds;
}

/** With the admin "root" and the viewer "guest", whose password is `PASSWORD`. */
export async function openTestWeb(options: TestWebOptions = {}): Promise<TestWeb> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "sluice-web-")));
  const input = { data_directory: join(folder.path, "data"), web: options.web ?? {} };
  const settings = parseSettings("sluice.json", input, {}, "UTC");
  if (!settings.web) throw new Error("Cannot test the web: it is switched off");
  const listen = { host: settings.web.listen.host, port: 0 };
  const [audited, logged, clock] = [[] as AuditRow[], [] as string[], { now: Date.now() }];
  const log: Log = {
    write: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  };
  const core = parts.use(
    openWebCore({
      ...{ settings, log, web: { ...settings.web, listen, ...options.overrides } },
      audit: async (rows) => void audited.push(...rows),
      now: () => clock.now,
    }),
  );
  const password = cheapHash(PASSWORD);
  core.admins.add({ name: "root", role: "admin", password }, clock.now);
  core.admins.add({ name: "guest", role: "viewer", password }, clock.now);
  const server = parts.use(
    await startWebServer(core, {
      page: options.page ?? new Map(),
      count: (_, next) => next(),
      routes: options.routes ?? [],
      attach: options.attach ?? ((socket) => socket.close()),
      ...(options.bounds ? { bounds: options.bounds } : {}),
    }),
  );
  const opened = parts.move();
  return {
    ...{ core, port: server.port, origin: `http://127.0.0.1:${server.port}`, audited, logged, clock },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** As passwords are kept, but for 2,000th of the work: what it costs, other tests know. */
export function cheapHash(password: string): string {
  const salt = Buffer.from("a test's salt");
  const hash = scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 });
  return `$scrypt$ln=4,r=8,p=1$${salt.toString("base64").replace(/=+$/, "")}$${hash.toString("base64").replace(/=+$/, "")}`;
}

/** A cookie of a login that has begun just now, without the work of a password. */
export function cookieOf({ core, clock }: TestWeb, name = "root"): string {
  const admin = core.admins.find(name);
  if (!admin) throw new Error(`Cannot sign in ${name}: there is no such admin`);
  return `sluice=${core.logins.begin(admin, "127.0.0.1", clock.now)}`;
}

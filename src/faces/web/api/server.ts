/** /api/v1/overview, /server, /findings and /settings: how the host and the daemon are, and what may be changed. */
import { hostname } from "node:os";
import { Hono } from "hono";
import type { OpenvpnServerRow, Status } from "../../../control/rows.ts";
import { UnreachableError } from "../../../errors.ts";
import { VERSION } from "../../../version.ts";
import { needs, type WebEnv } from "../viewer.ts";
import type { FindingsBody, Overview, ServerBody, SettingsBody } from "../wire.ts";
import { actorOf, bodyOf, queryOf, viewerOf } from "./answers.ts";
import { type Latency, measureLatency } from "./latency.ts";
import { ownAddresses } from "./own-address.ts";
import { Remembered } from "./remembered.ts";
import { NOTHING, SETTINGS } from "./requests.ts";
import type { ApiSources } from "./sources.ts";

/** A target that somebody else runs is not asked more often, however many look. */
const LATENCY_KEPT_MS = 10_000;
const NO_ADDRESSES = { localAddress: null, publicAddress: null };
/** What the server page and the old endpoint of the same name both tell. */
export class ServerFigures {
  readonly #sources: ApiSources;
  readonly #latency: Remembered<Latency | null>;

  constructor(sources: ApiSources) {
    const target = sources.settings.web?.latencyTarget ?? null;
    this.#sources = sources;
    this.#latency = new Remembered(LATENCY_KEPT_MS, sources.now, () => target && measureLatency(target));
  }

  latency(): Promise<Latency | null> {
    return this.#latency.get();
  }

  addresses() {
    return ownAddresses(this.#sources.settings.web ?? NO_ADDRESSES);
  }

  async body(): Promise<ServerBody> {
    const { desk } = this.#sources;
    const [daemon, addresses, latency] = await Promise.all([
      unlessUnreachable(Promise.all([desk.status(), desk.openvpnServers()])),
      this.addresses(),
      this.latency(),
    ]);
    return serverBody(daemon?.[0], daemon?.[1] ?? [], addresses, latency);
  }
}

function serverBody(
  status: Status | undefined,
  openvpn: readonly OpenvpnServerRow[],
  addresses: Awaited<ReturnType<typeof ownAddresses>>,
  latency: Latency | null,
): ServerBody {
  return {
    pid: status?.pid ?? 0,
    mode: status?.mode ?? "",
    uptimeMs: status?.uptimeMs ?? 0,
    web: {
      pid: process.pid,
      uptimeMs: Math.round(process.uptime() * 1000),
      memoryBytes: process.memoryUsage.rss(),
    },
    hostname: hostname(),
    ...addresses,
    latency,
    versions: [
      { what: "sluice web", version: VERSION },
      ...(status ? [{ what: "sluice enforce", version: status.version }] : []),
      { what: "node", version: process.versions.node },
      { what: "sqlite", version: process.versions["sqlite"] ?? "" },
      ...openvpn.map(({ name, version }) => ({ what: `openvpn:${name}`, version })),
    ],
    sources: status?.sources ?? [],
    openvpn,
  };
}

export function serverRoutes(sources: ApiSources, figures: ServerFigures): Hono<WebEnv> {
  const { desk, hub } = sources;
  const routes = new Hono<WebEnv>();

  routes.get("/overview", needs("read"), async (context) => {
    queryOf(context, NOTHING);
    const message = await hub.view({ view: "overview" }, viewerOf(context));
    if (message.type === "overview") return context.json(message.overview satisfies Overview);
    throw message.type === "trouble"
      ? new UnreachableError(message.text)
      : new TypeError(`Expected an overview, got ${message.type}`);
  });

  routes.get("/server", needs("read"), async (context) => {
    queryOf(context, NOTHING);
    return context.json(await figures.body());
  });

  routes.get("/findings", needs("read"), async (context) => {
    queryOf(context, NOTHING);
    return context.json((await desk.findings(false)) satisfies FindingsBody);
  });
  routes.post("/findings", needs("write"), async (context) =>
    context.json((await desk.findings(true)) satisfies FindingsBody),
  );

  routes.get("/settings", needs("admin"), async (context) => {
    queryOf(context, NOTHING);
    return context.json({ settings: await desk.settings() } satisfies SettingsBody);
  });
  routes.patch("/settings", needs("admin"), async (context) => {
    const { changes } = await bodyOf(context, SETTINGS);
    const settings = await desk.changeSettings(changes, actorOf(context));
    return context.json({ settings } satisfies SettingsBody);
  });

  return routes;
}

async function unlessUnreachable<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

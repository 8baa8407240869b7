/**
 * /metrics for Prometheus, /healthz and /readyz for whoever watches over processes.
 *
 * A program on this host may scrape without a token, but gets no names then:
 * customers whose traffic leaves here can come from loopback too.
 */
import { type Context, Hono } from "hono";
import type { UserRow, WebDesk } from "../../../control/rows.ts";
import type { CaptureClient } from "../../../hosts/capture-client.ts";
import { VERSION } from "../../../version.ts";
import { isLoopback } from "../http/listen-address.ts";
import type { LiveHub } from "../live/hub.ts";
import { may, needs, type WebEnv } from "../viewer.ts";
import { daemonFamilies, openvpnFamilies } from "./daemon-families.ts";
import { CONTENT_TYPES, exposition, formatFor } from "./exposition.ts";
import type { Family } from "./family.ts";
import { MovedSums } from "./moved-sums.ts";
import { readinessOf } from "./readiness.ts";
import { soon } from "./soon.ts";
import { userFamilies } from "./user-families.ts";
import { captureFamilies, webFamilies } from "./web-families.ts";

export interface MetricsSources {
  readonly desk: Pick<WebDesk, "status" | "openvpnServers" | "openvpnLogins" | "sshLogins">;
  readonly hub: Pick<LiveHub, "heard" | "users" | "viewers">;
  /** Undefined where the capture is switched off. */
  readonly capture: Pick<CaptureClient, "status"> | undefined;
  /** Refused requests by their reason, and answers by the class of their status. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, number>;
  /** The setting `web.metrics_users`. */
  readonly metricsUsers: boolean;
  /** This host's name. */
  readonly node: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Whoever asks oftener gets the same answer: it is worth some milliseconds, and asked for without a login. */
const KEPT_MS = 1_000;
/** A watched daemon works more, and the next scrape is far: as long as its first answer may take. */
const WATCHED_MS = 4_000;

export function metricsRoutes(sources: MetricsSources): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();
  const familiesNow = families(sources);
  const familiesKept = new Map<boolean, () => Promise<readonly Family[]>>(
    [true, false].map((named) => [named, kept(() => familiesNow(named), sources.now)]),
  );
  const readiness = kept(async () => {
    const { desk, capture, now } = sources;
    const [status, captured] = await Promise.all([soon(desk.status()), capture && soon(capture.status())]);
    return readinessOf(status, capture && captured !== undefined, now());
  }, sources.now);

  routes.get("/healthz", (context) => context.json({ ok: true }));

  routes.get("/readyz", async (context) => {
    const found = await readiness();
    const viewer = context.get("viewer");
    const shown = viewer && may(viewer, "metrics") ? found : { ready: found.ready };
    return context.json(shown, found.ready ? 200 : 503);
  });

  routes.get(
    "/metrics",
    (context, next) =>
      context.get("viewer") || !isLocal(context) ? needs("metrics")(context, next) : next(),
    async (context) => {
      const named = sources.metricsUsers && context.get("viewer") !== undefined;
      const format = formatFor(context.req.header("accept"));
      const found = (await familiesKept.get(named)?.()) ?? [];
      const text = await exposition(found, sources.node, format);
      return context.body(text, 200, { "content-type": CONTENT_TYPES[format], "cache-control": "no-store" });
    },
  );
  return routes;
}

function families({ desk, hub, capture, ...sources }: MetricsSources) {
  const sums = new MovedSums();
  const startedSeconds = sources.now() / 1_000 - process.uptime();
  return async (named: boolean): Promise<readonly Family[]> => {
    const [status, heard, servers, openvpn, ssh, captured] = await Promise.all([
      soon(desk.status()),
      soon(hub.heard(WATCHED_MS)),
      soon(desk.openvpnServers()),
      soon(desk.openvpnLogins()),
      soon(desk.sshLogins()),
      capture && soon(capture.status()),
    ]);
    const up = heard ? status : undefined;
    const users: readonly UserRow[] = up ? [...hub.users().values()] : [];
    const logins = openvpn &&
      ssh && [...openvpn.map(({ user }) => user), ...ssh.map(({ account }) => account)];
    const { refusals, answers } = sources;
    return [
      ...daemonFamilies(up),
      ...(up ? userFamilies({ users, named, logins, moved: sums.take(users) }) : []),
      ...(up && servers ? openvpnFamilies(servers) : []),
      ...(capture ? captureFamilies(captured) : []),
      ...webFamilies({
        version: VERSION,
        ...{ viewers: hub.viewers, refusals, answers },
        ...ownProcess(),
        startedSeconds,
      }),
    ];
  };
}

function ownProcess() {
  const { user, system } = process.cpuUsage();
  return { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 };
}

/** The peer is on this host and no proxy: one that does not say for whom it asks names us as it found us. */
function isLocal(context: Context<WebEnv>): boolean {
  const proxied = ["x-forwarded-for", "forwarded", "x-real-ip", "via"].some((name) =>
    context.req.header(name),
  );
  return !proxied && isLoopback(context.get("address"));
}

/** The last answer for a second, also while it is on its way. */
function kept<Answer>(make: () => Promise<Answer>, now: () => number): () => Promise<Answer> {
  let last: { readonly at: number; readonly answer: Promise<Answer> } | undefined;
  return () => {
    if (!last || Math.abs(now() - last.at) >= KEPT_MS) last = { at: now(), answer: make() };
    return last.answer;
  };
}

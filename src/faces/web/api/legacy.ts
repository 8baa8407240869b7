/**
 * The endpoints of older dashboards: /api/stats, /api/map-data, /api/history,
 * /api/clients, /api/clients/summary, /api/server-status. Unlike those of
 * /api/v1 they pass over parameters they do not know.
 */
import { type Context, Hono } from "hono";
import { uuidOf } from "../../../history/login-uuid.ts";
import { oldHistory } from "../../../history/owpanel-sessions.ts";
import type { HistoryReader } from "../../../history/queries.ts";
import { LocalTimes } from "../../../hosts/local-times.ts";
import { unixTime } from "../../../units.ts";
import { needs, type WebEnv } from "../viewer.ts";
import { viewerOf } from "./answers.ts";
import { readFields } from "./input.ts";
import {
  type LegacyTexts,
  legacyClients,
  legacyHours,
  legacyMarkers,
  legacyStats,
  legacySummary,
  legacyTraffic,
} from "./legacy-shapes.ts";
import { startOfProcess } from "./process-start.ts";
import { LEGACY_HOURS } from "./requests.ts";
import type { ServerFigures } from "./server.ts";
import { addressViewOf, seesWholeAddresses } from "./shown-address.ts";
import type { ApiSources } from "./sources.ts";

const HALF_MINUTE = 30_000;
const FIVE_MINUTES = 300_000;
const HOUR = 3_600_000;
/** Sessions of /api/history, the newest: it has no pages, and texts of years would hold up everybody. */
const MOST_SESSIONS = 2_000;

export function legacyRoutes(sources: ApiSources, figures: ServerFigures): Hono<WebEnv> {
  const { desk, history, places, settings, now } = sources;
  const routes = new Hono<WebEnv>();
  const times = new LocalTimes(settings.timeZone);
  const placeOf = (address: string) => places.placeOf(address);
  const clientsSince = (past: HistoryReader | undefined, ms: number) =>
    past?.clientAddresses({ since: now() - ms }) ?? [];
  const textsFor = (context: Context<WebEnv>): LegacyTexts => {
    const viewer = viewerOf(context);
    const shown = addressViewOf(viewer);
    return {
      time: (at) => times.textOf(unixTime(at)),
      address: (address) => shown.address(address),
      ports: seesWholeAddresses(viewer),
    };
  };

  routes.get("/stats", needs("read"), async (context) => {
    await places.ready();
    using past = history();
    const lastHour = clientsSince(past, HOUR);
    const lastHalfMinute = lastHour.filter(({ lastSeen }) => lastSeen >= now() - HALF_MINUTE);
    const traffic = past?.traffic({ since: now() - HOUR }) ?? { up: 0, down: 0 };
    return context.json(legacyStats({ lastHalfMinute, lastHour }, traffic, placeOf));
  });

  routes.get("/map-data", needs("read"), async (context) => {
    await places.ready();
    using past = history();
    return context.json(legacyMarkers(clientsSince(past, FIVE_MINUTES), placeOf, textsFor(context)));
  });

  routes.get("/history", needs("read"), (context) => {
    using past = history();
    const texts = textsFor(context);
    const asked = context.req.query("hours");
    if (asked !== undefined) {
      const { hours } = readFields("the address", LEGACY_HOURS, { hours: asked });
      const span = { since: now() - hours * HOUR, until: now() };
      return context.json(legacyHours(past?.connectionHours(span) ?? [], texts));
    }
    const shown = addressViewOf(viewerOf(context));
    const logins = past?.logins({ service: "openvpn", most: MOST_SESSIONS }) ?? [];
    const visible = logins.map((login) => ({ ...login, realAddress: shown.endpoint(login.realAddress) }));
    return context.json(oldHistory(visible, texts.time, uuidOf));
  });

  routes.get("/clients", needs("read"), async (context) =>
    context.json(legacyClients(await desk.openvpnLogins(), now(), textsFor(context))),
  );

  routes.get("/clients/summary", needs("read"), async (context) => {
    const logins = await desk.openvpnLogins();
    using past = history();
    const totals = past?.loginTotals("openvpn") ?? [];
    return context.json(legacySummary(totals, logins, now(), textsFor(context)));
  });

  routes.get("/server-status", needs("read"), async (context) => {
    const [servers, logins, latency, { localAddress, publicAddress }] = await Promise.all([
      desk.openvpnServers(),
      desk.openvpnLogins(),
      figures.latency(),
      figures.addresses(),
    ]);
    const answering = servers.find((server) => server.answering);
    const began = answering && (await startOfProcess(answering.pid));
    return context.json({
      status: answering ? "CONNECTED" : servers.length > 0 ? "DISCONNECTED" : "Unknown",
      ...(began === undefined ? {} : { uptime: textsFor(context).time(began) }),
      local_ip: localAddress,
      public_ip: publicAddress,
      // Without a target the server's own answer is all that is known.
      pingable: latency ? latency.ms !== null : answering !== undefined,
      mode: "server",
      ...legacyTraffic(logins),
    });
  });

  return routes;
}

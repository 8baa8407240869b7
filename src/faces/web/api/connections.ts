/** /api/v1/connections: where clients come from now, and how many they were hour by hour. */
import { Hono } from "hono";
import { needs, type Viewer, type WebEnv } from "../viewer.ts";
import type { ConnectionHoursBody, ConnectionsBody } from "../wire.ts";
import { queryOf, viewerOf } from "./answers.ts";
import { type Level, placesOfClients } from "./client-places.ts";
import { Remembered } from "./remembered.ts";
import { CONNECTION_HOURS, CONNECTIONS } from "./requests.ts";
import { seesWholeAddresses } from "./shown-address.ts";
import type { ApiSources } from "./sources.ts";

/** Clients are looked at each few seconds: there is nothing newer to tell. */
const KEPT_MS = 3_000;
/** Different questions that are remembered; more than a page asks. */
const MOST_KEPT = 16;

export function connectionRoutes({ history, places, now }: ApiSources): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();
  const kept = new Map<string, Remembered<ConnectionsBody>>();

  const clients = async (level: Level, minutes: number): Promise<ConnectionsBody> => {
    await places.ready();
    using past = history();
    const seen = past?.clientAddresses({ since: now() - minutes * 60_000 }) ?? [];
    const shares = placesOfClients(seen, level, (address) => places.placeOf(address));
    return { ...shares, database: places.database() };
  };

  routes.get("/connections", needs("read"), async (context) => {
    const { by, minutes } = queryOf(context, CONNECTIONS);
    const key = `${by} ${minutes}`;
    const answer = kept.get(key) ?? new Remembered(KEPT_MS, now, () => clients(by, minutes));
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, answer);
    return context.json(shownTo(viewerOf(context), await answer.get()));
  });

  routes.get("/connections/history", needs("read"), (context) => {
    const { hours } = queryOf(context, CONNECTION_HOURS);
    const until = now();
    using past = history();
    return context.json({
      hours: past?.connectionHours({ since: until - hours * 3_600_000, until }) ?? [],
    } satisfies ConnectionHoursBody);
  });

  return routes;
}

function shownTo(viewer: Viewer, body: ConnectionsBody): ConnectionsBody {
  if (seesWholeAddresses(viewer)) return body;
  return { ...body, places: body.places.map((place) => ({ ...place, clients: [] })) };
}

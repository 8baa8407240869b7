/** /api/v1/sessions: logins that last, from the daemon; those that were, from the history. */
import { Hono } from "hono";
import type { OpenvpnServerRow, WebDesk } from "../../../control/rows.ts";
import { UnreachableError } from "../../../errors.ts";
import { needs, type WebEnv } from "../viewer.ts";
import type { SessionRow, SessionsBody } from "../wire.ts";
import { queryOf, viewerOf } from "./answers.ts";
import { SESSIONS } from "./requests.ts";
import { filteredSessions, openvpnSession, pastSession, sshSession } from "./session-rows.ts";
import { addressViewOf } from "./shown-address.ts";
import type { ApiPlaces, ApiSources } from "./sources.ts";

export function sessionRoutes({ desk, history, places }: ApiSources): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();
  const countryOf = (address: string) => countryAt(places, address);

  routes.get("/sessions", needs("read"), async (context) => {
    const { live, limit, since, ...filter } = queryOf(context, SESSIONS);
    await places.ready();
    const shown = addressViewOf(viewerOf(context));
    const past = () => {
      using reader = history();
      return (reader?.logins({ since, most: limit, ...filter }) ?? []).map((login) =>
        pastSession(login, countryOf),
      );
    };
    const [sessions, servers] = live
      ? await Promise.all([liveSessions(desk, countryOf), desk.openvpnServers()])
      : [past(), await serversIfAny(desk)];
    return context.json({
      sessions: filteredSessions(sessions, { limit, ...filter }).map((row) => ({
        ...row,
        realAddress: shown.endpoint(row.realAddress),
        id: shown.text(row.id),
      })),
      servers,
    } satisfies SessionsBody);
  });

  return routes;
}

async function liveSessions(
  desk: WebDesk,
  countryOf: (address: string) => string,
): Promise<readonly SessionRow[]> {
  const [openvpn, ssh] = await Promise.all([desk.openvpnLogins(), desk.sshLogins()]);
  return [
    ...openvpn.map((login) => openvpnSession(login, countryOf)),
    ...ssh.map((login) => sshSession(login, countryOf)),
  ];
}

/** What was can be told without the daemon. */
async function serversIfAny(desk: WebDesk): Promise<readonly OpenvpnServerRow[]> {
  try {
    return await desk.openvpnServers();
  } catch (error) {
    if (error instanceof UnreachableError) return [];
    throw error;
  }
}

/** "" for private addresses, and those nobody knows. */
function countryAt(places: ApiPlaces, address: string): string {
  const place = places.placeOf(address);
  return place === undefined || place === "private" ? "" : place.country;
}

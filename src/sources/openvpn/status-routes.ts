/**
 * The routing table of a status: what a server sends to which client.
 *
 * Pure: no clock, no I/O.
 */
import type { VpnLogin } from "./login.ts";
import type { RowSplitter } from "./status-rows.ts";

/** What leads to one client beside the addresses that his own row has. Empty where that is Ethernet's alone. */
export interface Routes {
  readonly addresses: string[];
  readonly subnets: string[];
}

/**
 * The routes by `ownerOf()`.
 *
 * "10.8.0.2C" is a host that was seen behind a client, kept for speed; an
 * address of Ethernet says that the server bridges, and that its client is in.
 *
 * @param from where the fields of each row begin.
 * @param own the clients' addresses where their rows have them; undefined where only the routing table does.
 */
export function routesOf(
  rows: readonly string[],
  from: number,
  splitter: RowSplitter,
  own: ReadonlySet<string> | undefined,
): ReadonlyMap<string, Routes> {
  const byOwner = new Map<string, Routes>();
  const address = splitter.index("Virtual Address");
  const name = splitter.index("Common Name");
  const real = splitter.index("Real Address");
  for (const row of rows) {
    // Nearly all are somebody's own: those need not be taken apart.
    if (address === 0 && own?.has(row.slice(from, splitter.start(1, row, from) - 1))) continue;
    const fields = splitter.split(row.slice(from));
    const route = fields?.[address] ?? "";
    if (!fields || route === "" || own?.has(route)) continue;
    const owner = ownerOf({ commonName: fields[name] ?? "", realAddress: fields[real] ?? "" });
    const routes = byOwner.get(owner) ?? { addresses: [], subnets: [] };
    byOwner.set(owner, routes);
    if (/^[\da-f.:]+\/\d{1,3}$/.test(route)) routes.subnets.push(route);
    else if (!isAddress(route)) continue;
    else if (own) routes.subnets.push(`${route}/${route.includes(":") ? 128 : 32}`);
    else routes.addresses.push(route);
  }
  return byOwner;
}

/** Two of one name at one address (IPv6 comes without a port) have their routes in common. */
export function ownerOf({ commonName, realAddress }: Pick<VpnLogin, "commonName" | "realAddress">): string {
  return `${realAddress}\t${commonName}`;
}

/**
 * @param routed the login as it was at the look before.
 * @returns that one if nothing has changed.
 */
export function withRoutes(login: VpnLogin, routed: VpnLogin, routes: Routes | undefined): VpnLogin {
  if (!routes) return login;
  const subnets = routes.subnets.toSorted();
  const addresses = routes.addresses.length > 0 ? routes.addresses.toSorted() : login.addresses;
  const same = subnets.join() === routed.subnets.join() && addresses.join() === routed.addresses.join();
  return same ? routed : { ...login, addresses, subnets };
}

/** An address as a server spells it: in small letters, without a "C" behind it, and not Ethernet's six pairs. */
function isAddress(text: string): boolean {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return true;
  return /^[\da-f:]*:[\da-f:.]*$/.test(text) && !/^[\da-f]{2}(?::[\da-f]{2}){5}$/.test(text);
}

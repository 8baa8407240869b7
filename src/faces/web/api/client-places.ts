/**
 * Client addresses, put together by where they are.
 *
 * Pure: no clock, no I/O.
 */
import type { ClientAddress } from "../../../history/records.ts";
import type { ConnectionsBody, Place } from "../wire.ts";
import type { Whereabouts } from "./sources.ts";

export type Level = "country" | "city";

/** More of one place's clients nobody reads. */
const MOST_CLIENTS = 50;

interface Group {
  readonly place: Whereabouts;
  /** Of the client with the most connections: where the place is drawn. */
  best: number;
  at: Whereabouts;
  connections: number;
  readonly addresses: Set<string>;
  readonly clients: ClientAddress[];
}

export function placesOfClients(
  clients: readonly ClientAddress[],
  level: Level,
  placeOf: (address: string) => Whereabouts | "private" | undefined,
): Omit<ConnectionsBody, "database"> {
  const groups = new Map<string, Group>();
  const apart = { private: new Set<string>(), unknown: new Set<string>() };
  for (const client of clients) {
    const place = placeOf(client.address);
    if (place === undefined || place === "private") apart[place ?? "unknown"].add(client.address);
    else addTo(groups, place, level, client);
  }
  return {
    places: [...groups.values()]
      .map((group) => placeIn(group, level))
      .sort((one, other) => other.connections - one.connections || other.addresses - one.addresses),
    private: apart.private.size,
    unknown: apart.unknown.size,
    ...sumOf(clients),
    services: [...Map.groupBy(clients, ({ service }) => service)]
      .map(([service, those]) => ({ service, ...sumOf(those) }))
      .sort((one, other) => other.connections - one.connections || (one.service < other.service ? -1 : 1)),
  };
}

function addTo(groups: Map<string, Group>, place: Whereabouts, level: Level, client: ClientAddress): void {
  const key = level === "country" ? place.country : `${place.country}\n${place.city}`;
  const group = groups.get(key) ?? {
    ...{ place, at: place, best: -1, connections: 0 },
    ...{ addresses: new Set<string>(), clients: [] },
  };
  groups.set(key, group);
  group.connections += client.open;
  group.addresses.add(client.address);
  group.clients.push(client);
  if (client.open <= group.best) return;
  group.best = client.open;
  group.at = place;
}

function placeIn({ place, at, connections, addresses, clients }: Group, level: Level): Place {
  return {
    country: place.country,
    city: level === "country" ? "" : place.city,
    latitude: at.latitude,
    longitude: at.longitude,
    addresses: addresses.size,
    connections,
    clients: clients
      .toSorted((one, other) => other.open - one.open || other.lastSeen - one.lastSeen)
      .slice(0, MOST_CLIENTS)
      .map(({ address, service, firstSeen, lastSeen }) => ({ address, service, firstSeen, lastSeen })),
  };
}

/** One address at two services is one address. */
function sumOf(clients: readonly ClientAddress[]) {
  return {
    addresses: new Set(clients.map(({ address }) => address)).size,
    connections: clients.reduce((sum, { open }) => sum + open, 0),
  };
}

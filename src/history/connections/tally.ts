/**
 * What one look at the connections comes to, client by client.
 *
 * A connection is known from look to look by its two ends. One that a log told
 * of and that stands at the same or the next look is one and the same.
 *
 * Pure: no clock, no I/O.
 */
import type { SeenConnections } from "../records.ts";
import type { ClientConnection } from "./connection-source.ts";

/** What one look may have; whatever is more is left out and counted. */
const MOST_CONNECTIONS = 50_000;
const MOST_ROWS = 20_000;

export interface Tally {
  readonly rows: readonly SeenConnections[];
  /** Names of all connections of this look, for the next. */
  readonly known: ReadonlySet<string>;
  /** Connections that were left out. */
  readonly leftOut: number;
}

/**
 * @param standing every one that stands now. `begun` are those told of since the look before.
 * @param before what the look before knew; undefined for the first, when nobody can tell what began.
 */
export function tally(
  standing: Iterable<ClientConnection>,
  begun: Iterable<ClientConnection>,
  before: ReadonlySet<string> | undefined,
): Tally {
  const known = new Set<string>();
  const rows: { address: string; service: string; open: number; begun: number }[] = [];
  const rowsOf = new Map<string, Map<string, (typeof rows)[number]>>();
  let leftOut = 0;
  const count = (connection: ClientConnection, stands: boolean) => {
    const { service, address } = connection;
    const name = nameOf(connection);
    if (known.has(name)) return;
    let clients = rowsOf.get(service);
    if (!clients) rowsOf.set(service, (clients = new Map()));
    let row = clients.get(address);
    if (known.size >= MOST_CONNECTIONS || (!row && rows.length >= MOST_ROWS)) {
      leftOut += 1;
      return;
    }
    known.add(name);
    if (!row) {
      row = { address, service, open: 0, begun: 0 };
      clients.set(address, row);
      rows.push(row);
    }
    if (stands) row.open += 1;
    if (before ? !before.has(name) : !stands) row.begun += 1;
  };
  for (const connection of standing) count(connection, true);
  for (const connection of begun) count(connection, false);
  // What was told of late, of one that the look before had, is no news of the client.
  return { rows: rows.filter(({ open, begun }) => open + begun > 0), known, leftOut };
}

function nameOf({ transport, address, port, localPort }: ClientConnection): string {
  return `${transport} ${address} ${port} ${localPort}`;
}

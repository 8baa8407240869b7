/**
 * The clients of an OpenVPN server, from its status in any of its three
 * versions (facts: openvpn, 3).
 *
 * Columns are found by the header's names, since every release had its own. A
 * row that stands as it stood at the look before is not taken apart again: of a
 * thousand clients most are idle.
 *
 * Pure: no clock, no I/O.
 */
import type { ServerLook, VpnLogin } from "./login.ts";
import { type ClientRow, ClientRows, UnusableStatusError } from "./status-clients.ts";
import { ownerOf, type Routes, routesOf, withRoutes } from "./status-routes.ts";
import { count, RowSplitter } from "./status-rows.ts";
import { type LocalMoment, localMoment } from "./status-times.ts";

export interface StatusTableOptions {
  /** What makes a client somebody. */
  readonly usersBy: "common-name" | "username";
  /** Seconds since 1970 of a moment in the host's zone. */
  readonly epochOf: (moment: LocalMoment) => number;
}

export class StatusTable {
  readonly #options: StatusTableOptions;
  #known: readonly ClientRow[] = [];
  #knownUnder = "";

  constructor(options: StatusTableOptions) {
    this.#options = options;
  }

  /**
   * Reads one status. Logins whose rows have not changed are the same objects as before.
   *
   * @param lines all of it but the line END.
   * @throws {UnusableStatusError} for half a status, or something else.
   */
  read(lines: readonly string[]): ServerLook {
    const [first = ""] = lines;
    if (first === "OpenVPN CLIENT LIST") return this.#readSections(lines);
    if (first.startsWith("TITLE\t")) return this.#readTagged(lines, "\t");
    if (first.startsWith("TITLE,")) return this.#readTagged(lines, ",");
    throw new UnusableStatusError(`expected its title, got ${JSON.stringify(first.slice(0, 80))}`);
  }

  /** Versions 2 and 3: every line begins with its kind. */
  #readTagged(lines: readonly string[], separator: "\t" | ","): ServerLook {
    let writtenAt: number | undefined;
    let dco: boolean | undefined;
    let clients: ClientRows | undefined;
    let routing: RowSplitter | undefined;
    const routes: string[] = [];
    const client = `CLIENT_LIST${separator}`;
    const route = `ROUTING_TABLE${separator}`;
    for (const line of lines) {
      if (line.startsWith(client)) {
        if (!clients) throw new UnusableStatusError("a client stands in front of the header");
        clients.take(line, client.length);
      } else if (line.startsWith(route)) routes.push(line);
      else {
        const [kind, first, ...others] = line.split(separator);
        if (kind === "HEADER" && first === "CLIENT_LIST" && !clients) {
          clients = this.#clients(line, new RowSplitter(separator, others));
        } else if (kind === "HEADER" && first === "ROUTING_TABLE" && !routing) {
          routing = new RowSplitter(separator, others);
        } else if (kind === "TIME" && writtenAt === undefined) writtenAt = count(others.at(-1));
        else if (kind === "GLOBAL_STATS") dco = first === "dco_enabled" ? others[0] === "1" : dco;
        else if (kind !== "TITLE" || line !== lines[0]) {
          throw new UnusableStatusError(`expected one of its rows, got ${JSON.stringify(line.slice(0, 80))}`);
        }
      }
    }
    if (!clients) throw new UnusableStatusError("expected a header, got none");
    if (writtenAt === undefined) throw new UnusableStatusError("expected its time, got none");
    return this.#look(
      clients,
      routing && routesOf(routes, route.length, routing, clients.addresses),
      writtenAt,
      dco,
    );
  }

  /** Version 1: sections, each with a title of its own, and nothing in front of a row. */
  #readSections(lines: readonly string[]): ServerLook {
    const [, updated = "", header = ""] = lines;
    const routing = lines.indexOf("ROUTING TABLE");
    const end = lines.indexOf("GLOBAL STATS");
    const writtenAt = updated.startsWith("Updated,")
      ? this.#epochOf(updated.slice("Updated,".length))
      : undefined;
    if (writtenAt === undefined) throw new UnusableStatusError("expected its time, got none");
    if (routing < 3 || end < routing + 2) {
      throw new UnusableStatusError("expected clients, routes and figures, got not all of them");
    }
    const clients = this.#clients(header, new RowSplitter(",", header.split(",")));
    for (const line of lines.slice(3, routing)) clients.take(line, 0);
    const splitter = new RowSplitter(",", (lines[routing + 1] ?? "").split(","));
    const routes = routesOf(lines.slice(routing + 2, end), 0, splitter, undefined);
    return this.#look(clients, routes, writtenAt, undefined);
  }

  #clients(header: string, splitter: RowSplitter): ClientRows {
    const known = header === this.#knownUnder ? this.#known : [];
    const { usersBy } = this.#options;
    return new ClientRows({ header, splitter, known, usersBy, epochOf: (text) => this.#epochOf(text) });
  }

  #epochOf(text: string): number | undefined {
    const moment = localMoment(text);
    if (!moment) return undefined;
    const epoch = this.#options.epochOf(moment);
    return Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : undefined;
  }

  /** Who has an address in the tunnel, or a route that leads to him, is through. */
  #look(
    clients: ClientRows,
    routes: ReadonlyMap<string, Routes> | undefined,
    writtenAt: number,
    dco: boolean | undefined,
  ): ServerLook {
    const { rows, rejected } = clients;
    this.#knownUnder = clients.header;
    this.#known = rows;
    const logins: VpnLogin[] = [];
    let pending = clients.nameless;
    for (const row of rows) {
      const own = routes?.size ? routes.get(ownerOf(row.login)) : undefined;
      if (!own && row.login.addresses.length === 0) pending += 1;
      else {
        row.routed = withRoutes(row.login, row.routed, own);
        logins.push(row.routed);
      }
    }
    return { writtenAt, logins, pending, dco, rejected };
  }
}

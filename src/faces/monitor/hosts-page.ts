/**
 * The live list of captured hosts, in the old monitor's table.
 *
 * Pure: no clock, no I/O.
 */
import type { HostLine } from "../../hosts/host-line.ts";
import { fitted, type ScreenColumn } from "./fitted-columns.ts";
import type { Line } from "./frame.ts";
import type { Key } from "./key-decoder.ts";
import { COMMON_HELP, paintList } from "./list-page.ts";
import { afterKey, type ListState, listState, type Shown } from "./list-state.ts";
import type { Size } from "./screen.ts";

export interface HostsLook {
  /** This host's own names; "" where they are not known. */
  readonly domain: string;
  readonly address: string;
  /** A host as it is shown. */
  readonly shown: (host: string) => string;
  readonly footer: readonly string[];
}

interface Known {
  readonly line: HostLine;
  /** When it came, if that was while somebody looked. */
  readonly cameAt: number | undefined;
}

interface Row extends Known {
  /** Its place in the list, from 1: the order they were captured in. */
  readonly number: number;
}

type HostSort = "time" | "host" | "service" | "source";

/** One frame would be too short to be seen: so long is a host new. */
export const NEW_MS = 1_000;
const GAP = 1;
const EMPTY = "No hosts captured yet. Waiting for connections...";

export class HostsPage {
  readonly #look: HostsLook;
  readonly #columns: readonly ScreenColumn<Row>[];
  readonly #rows = new Map<string, Known>();
  #state: ListState<HostSort> = listState<HostSort>("time", true);
  /** In the order wanted, until something changes; as they were when somebody paused. */
  #ordered: readonly Row[] | undefined;
  #frozen: readonly Known[] | undefined;
  #shown: Shown = { rows: 0, page: 1 };

  constructor(look: HostsLook) {
    this.#look = look;
    this.#columns = columnsOf(look);
  }

  /** How many are known. */
  get size(): number {
    return this.#rows.size;
  }

  /** Takes the whole list in place of what is known: some may have been removed. */
  renew(lines: readonly HostLine[]): void {
    const before = new Map(this.#rows);
    this.#rows.clear();
    for (const line of lines) this.#add(line, before.get(line.host)?.cameAt);
  }

  /** @param now milliseconds on a clock that never goes back. */
  take(lines: readonly HostLine[], now: number): void {
    for (const line of lines) if (!this.#rows.has(line.host)) this.#add(line, now);
  }

  /** @param hosts undefined for all. */
  drop(hosts: readonly string[] | undefined): void {
    if (hosts === undefined) this.#rows.clear();
    else for (const host of hosts) this.#rows.delete(host);
    this.#ordered = undefined;
  }

  press(key: Key): "leave" | undefined {
    const next = afterKey(this.#state, key, { sorts: SORTS, hasMore: false }, this.#shown);
    if (next === "leave") return next;
    if (next.paused !== this.#state.paused) this.#frozen = next.paused ? [...this.#rows.values()] : undefined;
    this.#state = next;
    this.#ordered = undefined;
    return undefined;
  }

  paint(size: Size, now: number): readonly Line[] {
    const { domain, address, footer } = this.#look;
    const rows = this.#wanted();
    const isNew = ({ cameAt }: Row) => cameAt !== undefined && now - cameAt < NEW_MS;
    const painted = paintList(
      {
        title: `REAL-TIME HOST CAPTURE MONITOR (${this.#state.paused ? "paused" : "as they come"})`,
        above: [`Main Domain: ${domain || "N/A"} | VPS IP: ${address || "N/A"}`],
        columns: fitted(this.#columns, size.columns, GAP, () => 0),
        gap: GAP,
        rows,
        style: (row) => (isNew(row) ? "green" : undefined),
        empty: EMPTY,
        totals: `Total Unique Hosts: ${this.#rows.size} | New This Update: ${rows.filter(isNew).length}`,
        footer,
        help: HELP,
      },
      this.#state,
      size,
    );
    this.#shown = { rows: rows.length, page: painted.page };
    return painted.lines;
  }

  #add(line: HostLine, cameAt: number | undefined): void {
    this.#rows.set(line.host, { line, cameAt });
    this.#ordered = undefined;
  }

  #wanted(): readonly Row[] {
    if (this.#ordered) return this.#ordered;
    const { filter, sort, reversed } = this.#state;
    const sought = filter.toLowerCase();
    const numbered = [...(this.#frozen ?? this.#rows.values())].map(
      (known, index): Row => ({ ...known, number: index + 1 }),
    );
    const rows = numbered.filter(
      ({ line }) =>
        sought === "" || `${line.host} ${line.service} ${line.source}`.toLowerCase().includes(sought),
    );
    if (sort !== "time") {
      rows.sort(({ line: left }, { line: right }) => compared(left[sort], right[sort]));
      this.#ordered = reversed ? rows.reverse() : rows;
    } else {
      this.#ordered = reversed ? rows : rows.reverse();
    }
    return this.#ordered;
  }
}

function compared(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

const SORTS: Readonly<Record<string, HostSort>> = { t: "time", h: "host", s: "service", a: "source" };

/** The old table's titles and widths. */
function columnsOf({ shown }: HostsLook): readonly ScreenColumn<Row>[] {
  return [
    { title: "NO", align: "left", width: 4, rank: 2, text: ({ number }) => String(number) },
    { title: "HOST/DOMAIN", align: "left", width: 40, rank: 0, text: ({ line }) => shown(line.host) },
    { title: "SERVICE", align: "left", width: 15, rank: 3, text: ({ line }) => line.service },
    { title: "SOURCE IP", align: "left", width: 15, rank: 5, text: ({ line }) => line.source },
    { title: "CAPTURED TIME", align: "left", width: 20, rank: 4, text: ({ line }) => line.time },
  ];
}

const HELP: readonly string[] = [
  "t                    the newest first, or the oldest",
  "h s a                sort by host, service, source address",
  "R, or the key again  the other way round",
  ...COMMON_HELP,
];

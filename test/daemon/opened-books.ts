/** Books for tests, and the reports they are fed with. */
import { dayAt } from "../../src/calendar.ts";
import { Books, type BooksOptions, type Entry } from "../../src/daemon/books.ts";
import { counterName, epochName, keeperName, userName } from "../../src/names.ts";
import type { SourceReport } from "../../src/sources/source.ts";
import { accountDocument, accountOf } from "../../src/storage/account-format.ts";
import { keepersDocument, keepersOf } from "../../src/storage/keepers-format.ts";
import type { LoadedState } from "../../src/storage/state-folder.ts";
import { bytes, type UnixTime, unixTime } from "../../src/units.ts";
import type { ManualClock } from "../support/manual-clock.ts";

export const XRAY = keeperName("xray");
export const EMPTY: LoadedState = {
  accounts: new Map(),
  keepers: new Map(),
  keepersSequence: 0,
  lastKernelNumber: 0,
  unusable: new Map(),
  damage: [],
  legacy: [],
  tornLines: 0,
};

export function openBooks(
  clock: ManualClock,
  parts: Partial<Pick<BooksOptions, "count" | "period" | "zone" | "aliases">> = {},
  loaded = EMPTY,
) {
  const refused: string[] = [];
  const zone = parts.zone ?? "UTC";
  const books = new Books(loaded, dayAt(clock.unix(), zone), {
    count: "both",
    period: { kind: "never" },
    aliases: new Map(),
    zone,
    now: () => clock.unix(),
    onRefused: (user, why) => refused.push(`${user}: ${why}`),
    ...parts,
  });
  const entry = (name: string): Entry => books.entry(userName(name));
  return {
    books,
    refused,
    entry,
    lifetime: (name: string) => {
      const { uplink, downlink } = entry(name).usage.lifetime;
      return [uplink, downlink];
    },
    /** Books one look at the engine. */
    look: (epoch: string, counted: Readonly<Record<string, readonly [number, number]>>, complete = true) =>
      books.record(XRAY, "xray", report(clock.unix(), epoch, counted, complete)),
  };
}

export function report(
  askedAt: UnixTime,
  epoch: string,
  counted: Readonly<Record<string, readonly [number, number]>>,
  complete = true,
): SourceReport {
  return {
    askedAt: unixTime(askedAt),
    epoch: epochName(epoch),
    complete,
    readings: Object.entries(counted).map(([user, [uplink, downlink]]) => ({
      user: userName(user),
      counter: counterName(XRAY, userName(user)),
      epoch: epochName(epoch),
      traffic: { uplink: bytes(uplink), downlink: bytes(downlink) },
    })),
    rejected: [],
  };
}

/** The accounts and keepers as a disk would give them back: each through its text. */
export function saved(books: Books, which: { accounts?: boolean; keepers?: boolean } = {}): LoadedState {
  const throughText = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  const accounts = [...books.accounts.values()].map((each) =>
    accountOf(throughText(accountDocument(books.accountOf(each)))),
  );
  const { keepers, sequence, lastKernelNumber } = keepersOf(
    throughText(keepersDocument(books.keepersState())),
  );
  return {
    ...EMPTY,
    accounts: new Map((which.accounts ?? true) ? accounts.map((each) => [each.name, each]) : []),
    keepers: (which.keepers ?? true) ? keepers : new Map(),
    keepersSequence: sequence,
    lastKernelNumber,
  };
}

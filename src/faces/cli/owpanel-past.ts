/** What an import of the old panel's adds to the history: that which is not there, and would stay. */
import { existsSync } from "node:fs";
import { dayAt } from "../../calendar.ts";
import type { Settings } from "../../config.ts";
import type { HistorySettings } from "../../config-parts.ts";
import { HistoryImport, type TrafficTables, trafficTables } from "../../history/imported.ts";
import type { OldDatabase } from "../../history/owpanel-database.ts";
import type { LoginRecord } from "../../history/records.ts";
import { HISTORY } from "../../history/schema.ts";
import { LocalTimes } from "../../hosts/local-times.ts";
import { userName } from "../../names.ts";
import { Db } from "../../sqlite.ts";
import { unixTime } from "../../units.ts";
import { historyPath } from "./history.ts";

export interface Past {
  readonly logins: readonly LoginRecord[];
  readonly traffic: TrafficTables;
  /** What of theirs is left out, and why. */
  readonly notes: readonly string[];
}

export const NO_TRAFFIC_OF_THEIRS: TrafficTables = { minutes: [], hours: [], days: [] };
const DAY_MS = 86_400_000;

/** What is not in the history yet, and would stay there. */
export function newPast(
  settings: Settings,
  history: HistorySettings,
  sessions: readonly LoginRecord[],
  older: OldDatabase | undefined,
  now: number,
): Past {
  const path = historyPath(settings);
  using db = existsSync(path) ? Db.openToRead(path, HISTORY) : undefined;
  const there = db ? new HistoryImport(db) : undefined;
  const recent = sessions.filter(({ ended }) => (ended ?? now) >= now - history.sessionsDays * DAY_MS);
  const countedFrom = there?.firstCounted("openvpn") ?? Number.POSITIVE_INFINITY;
  const nobodies = new Set<string>();
  const read = older
    ? trafficTables(
        minutesBefore(older, countedFrom, settings, nobodies),
        dayTeller(settings.timeZone),
        history,
        Math.floor(now / 1000),
      )
    : NO_TRAFFIC_OF_THEIRS;
  const tooOld = sessions.length - recent.length;
  return {
    logins: there ? there.newLogins(recent) : recent,
    traffic: there ? there.newTraffic(read) : read,
    notes: [
      ...(tooOld > 0
        ? [
            `${tooOld} sessions ended before the history begins (history.sessions_days: ${history.sessionsDays}).`,
          ]
        : []),
      ...(nobodies.size > 0 ? [`Traffic of ${nobodies.size} names that can be no user's is not taken.`] : []),
      ...(older && Number.isFinite(countedFrom)
        ? [`Traffic is taken up to ${times(settings, countedFrom)}: from there on Sluice counted it itself.`]
        : []),
    ],
  };
}

function times({ timeZone }: Settings, second: number): string {
  return new LocalTimes(timeZone).textOf(unixTime(second * 1000));
}

/** What Sluice counted itself is not taken again. @param nobodies gets what can be no user's name. */
function* minutesBefore(older: OldDatabase, end: number, { aliases }: Settings, nobodies: Set<string>) {
  const accounts = new Map<string, string | undefined>();
  for (const { name, ts, up, down } of older.minutes()) {
    if (ts >= end) return; // in order of time
    if (!accounts.has(name)) accounts.set(name, accountOf(name, aliases));
    const account = accounts.get(name);
    if (account === undefined) nobodies.add(name);
    else yield { account, ts, up, down };
  }
}

function accountOf(text: string, aliases: Settings["aliases"]): string | undefined {
  try {
    const name = userName(text);
    return aliases.get(name) ?? name;
  } catch {
    return undefined;
  }
}

/** Zones are slow to ask: the present day is remembered. */
function dayTeller(zone: string): (second: number) => string {
  let day = dayAt(unixTime(0), zone);
  return (second) => {
    const at = unixTime(second * 1000);
    if (at < day.start || at >= day.end) day = dayAt(at, zone);
    return day.date;
  };
}

export function takePast(settings: Settings, logins: readonly LoginRecord[], traffic: TrafficTables): void {
  using db = Db.openToWrite(historyPath(settings), HISTORY);
  const history = new HistoryImport(db);
  history.takeLogins(logins, Math.floor(Date.now() / 1000));
  history.takeTraffic(traffic);
}

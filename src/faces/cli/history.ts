/** `openvpn history`: logins that were and that are, from the history's own file. */
import { join } from "node:path";
import { localTimeText } from "../../calendar.ts";
import type { Settings } from "../../config.ts";
import { DamagedStateError, reasonOf } from "../../errors.ts";
import { durationText } from "../../history/owpanel-sessions.ts";
import { HistoryReader } from "../../history/queries.ts";
import type { LoginRecord } from "../../history/records.ts";
import { formatSize } from "../../sizes.ts";
import { bytes, unixTime } from "../../units.ts";
import { type Column, tableText } from "./columns.ts";
import type { Common } from "./command-line.ts";
import { momentOf } from "./events.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface HistoryOptions extends Common {
  /** A span (7d) or a moment. */
  readonly since?: string;
  /** As in the settings, without "openvpn:". */
  readonly server?: string;
}

const COLUMNS: readonly Column[] = [
  { title: "USER", align: "left", widest: 32 },
  { title: "SERVER", align: "left", widest: 16 },
  { title: "FROM", align: "left" },
  { title: "ADDRESS", align: "left" },
  { title: "BEGAN", align: "left" },
  { title: "ENDED", align: "left" },
  { title: "DURATION", align: "right" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
];
/** Without --since, for a terminal. */
const NEWEST = 100;

export function historyPath({ dataDirectory }: Settings): string {
  return join(dataDirectory, "history.db");
}

/** @throws {DamagedStateError} when the file cannot be read. */
export async function showHistory(name: string | undefined, options: HistoryOptions): Promise<void> {
  const settings = await settingsFor(options);
  const path = historyPath(settings);
  const now = Date.now();
  const since = options.since === undefined ? undefined : momentOf(options.since, now);
  const whole = options.json === true || since !== undefined;
  const logins = loginsIn(path, {
    account: name,
    keeper: options.server === undefined ? undefined : `openvpn:${options.server}`,
    service: "openvpn",
    since,
    most: whole ? undefined : NEWEST + 1,
  });
  answer(options, (logins ?? []).map(jsonOf), () => {
    if (!logins) return noHistoryText(settings, path);
    if (logins.length === 0) return "No login of that kind is in the history.";
    const shown = whole ? logins : logins.slice(0, NEWEST);
    const more = shown.length < logins.length ? [`The newest ${NEWEST}; --since 7d shows a week.`] : [];
    const inexact = shown.some(({ ended, exact }) => ended !== undefined && !exact)
      ? ["* as it was last looked at: the server's own last figures did not come."]
      : [];
    return [loginsTable(shown, now, settings.timeZone), ...inexact, ...more].join("\n");
  });
}

/** @returns undefined where there is no history. */
function loginsIn(path: string, query: Parameters<HistoryReader["logins"]>[0]): LoginRecord[] | undefined {
  try {
    using reader = HistoryReader.open(path);
    return reader?.logins(query);
  } catch (error) {
    if (error instanceof DamagedStateError) throw error;
    throw new DamagedStateError(path, `${reasonOf(error)} (are you root?)`, error);
  }
}

function noHistoryText({ history }: Settings, path: string): string {
  return history
    ? `No history yet: ${path} is not there. The daemon begins it.`
    : `No history: the settings switch it off, and ${path} is not there.`;
}

function loginsTable(logins: readonly LoginRecord[], now: number, zone: string): string {
  const time = (at: number) => localTimeText(unixTime(at), zone);
  return tableText(
    COLUMNS,
    logins.map((login) => {
      const { ended, exact } = login;
      const mark = ended === undefined || exact ? "" : "*";
      return [
        login.account,
        serverOf(login),
        login.realAddress || "-",
        addressesOf(login).join(" ") || "-",
        time(login.began),
        ended === undefined ? "-" : time(ended),
        durationText((ended ?? now) - login.began),
        `${formatSize(bytes(login.up))}${mark}`,
        `${formatSize(bytes(login.down))}${mark}`,
      ];
    }),
  );
}

function jsonOf(login: LoginRecord): object {
  return {
    user: login.account,
    server: serverOf(login),
    realAddress: login.realAddress,
    addresses: addressesOf(login),
    sinceMs: login.began,
    endedMs: login.ended ?? null,
    uplinkBytes: login.up,
    downlinkBytes: login.down,
    exact: login.exact,
  };
}

function addressesOf({ address4, address6 }: LoginRecord): string[] {
  return [address4, address6].filter((address) => address !== "");
}

function serverOf({ keeper }: LoginRecord): string {
  return keeper.replace(/^openvpn:/, "");
}

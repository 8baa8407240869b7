/** `openvpn history`: logins that were and that are, from the history's own file. */
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import { DamagedStateError, reasonOf } from "../../errors.ts";
import { HistoryReader } from "../../history/queries.ts";
import type { LoginRecord } from "../../history/records.ts";
import { unixTime } from "../../units.ts";
import type { Common } from "./command-line.ts";
import { momentOf } from "./events.ts";
import { loginJson, loginsText } from "./history-text.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface HistoryOptions extends Common {
  /** A span (7d) or a moment. */
  readonly since?: string;
  /** As in the settings, without "openvpn:". */
  readonly server?: string;
}

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
  answer(options, (logins ?? []).map(loginJson), () => {
    if (!logins) return noHistoryText(settings, path);
    const shown = whole ? logins : logins.slice(0, NEWEST);
    const more = shown.length < logins.length ? `\nThe newest ${NEWEST}; --since 7d shows a week.` : "";
    return `${loginsText(shown, unixTime(now), settings.timeZone)}${more}`;
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

/** `export owpanel`: the history's sessions, written as the old panel keeps them. */
import { RefusedRequestError } from "../../errors.ts";
import { uuidOf } from "../../history/login-uuid.ts";
import { oldActiveSessions, oldHistory } from "../../history/owpanel-sessions.ts";
import { HistoryReader } from "../../history/queries.ts";
import { LocalTimes } from "../../hosts/local-times.ts";
import { writeDurably } from "../../storage/durable-write.ts";
import { unixTime } from "../../units.ts";
import { historyPath } from "./history.ts";
import { answer } from "./output.ts";
import { storePath } from "./owpanel-stores.ts";
import { settingsFor } from "./settings-for.ts";

export interface ExportOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly history?: string;
  readonly sessions?: string;
}

/** Names and addresses of users. */
const MODE = 0o640;

/** @throws {RefusedRequestError} when no file is named, or there is no history. */
export async function exportOwpanel(options: ExportOptions): Promise<void> {
  const settings = await settingsFor(options);
  const [history, sessions] = [
    storePath("history", options, process.env),
    storePath("sessions", options, process.env),
  ];
  if (!history.named && !sessions.named) {
    throw new RefusedRequestError("Cannot export: expected --history FILE, --sessions FILE or both");
  }
  using reader = HistoryReader.open(historyPath(settings));
  if (!reader) {
    throw new RefusedRequestError(`Cannot export: there is no history yet (${historyPath(settings)})`);
  }
  const logins = reader.logins({ service: "openvpn" });
  const times = new LocalTimes(settings.timeZone);
  const textOf = (at: number) => times.textOf(unixTime(at));
  const written: { path: string; sessions: number }[] = [];
  const write = async (path: string, count: number, value: unknown) => {
    await writeDurably(path, `${JSON.stringify(value, null, 2)}\n`, MODE);
    written.push({ path, sessions: count });
  };
  if (history.named) await write(history.path, logins.length, oldHistory(logins, textOf, uuidOf));
  if (sessions.named) {
    const active = oldActiveSessions(logins, textOf, uuidOf);
    await write(sessions.path, Object.keys(active).length, active);
  }
  answer(options, written, () =>
    written.map(({ path, sessions: count }) => `Wrote ${count} sessions into ${path}.`).join("\n"),
  );
}

/** `events`: what happened, from events.jsonl, optionally as it happens. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { localTimeText } from "../../calendar.ts";
import { unlessMissing } from "../../errors.ts";
import { printable } from "../../log.ts";
import { type EventRecord, eventFiles } from "../../storage/events.ts";
import { unixTime } from "../../units.ts";
import { settingsFor } from "./settings-for.ts";
import { stopSignal } from "./stop-signal.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly user?: string;
  readonly since?: string;
}

const POLL_MS = 250;
const SPAN = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export async function showEvents(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  const path = join(settings.logDirectory, "events.jsonl");
  const since = options.since === undefined ? 0 : momentOf(options.since, Date.now());
  const signal = stopSignal();
  for await (const line of allLinesOf(path, since, options.follow === true, signal)) {
    const event = eventOf(line);
    if (!event || Date.parse(event.time) < since) continue;
    if (options.user !== undefined && event.user !== options.user) continue;
    const text = `${localTimeText(unixTime(Date.parse(event.time)), settings.timeZone)}  ${event.kind.padEnd(16)} ${printable(event.text)}`;
    process.stdout.write(`${options.json ? line : text}\n`);
  }
}

/** @throws {SyntaxError} listing the accepted forms. */
export function momentOf(text: string, now: number): number {
  const [, count, letter] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * SPAN[letter as keyof typeof SPAN];
  const moment = Date.parse(text);
  if (Number.isNaN(moment)) {
    throw new SyntaxError(
      `Cannot tell since when: expected a span (30m, 12h, 7d) or a moment (2026-11-21T14:00), got "${text}"`,
    );
  }
  return moment;
}

/** A line torn by a full disk is passed over. */
function eventOf(line: string): EventRecord | undefined {
  try {
    return JSON.parse(line) as EventRecord;
  } catch {
    return undefined;
  }
}

/** Lines of the older files as well, where they reach into what is asked for. */
async function* allLinesOf(
  path: string,
  since: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const older of eventFiles(path).slice(0, -1)) {
    const found = await unlessMissing(stat(older));
    if (found && found.mtimeMs >= since) yield* linesOf(older, false, signal);
  }
  yield* linesOf(path, follow, signal);
}

/** All lines of the file, then, if asked, those that come; a file that is replaced is read from its start. */
async function* linesOf(path: string, follow: boolean, signal: AbortSignal): AsyncGenerator<string> {
  let offset = 0;
  let inode = 0;
  let half = "";
  do {
    const found = await unlessMissing(stat(path)); // missing until something has happened
    if (found && (found.ino !== inode || found.size < offset)) [offset, inode, half] = [0, found.ino, ""];
    if (found && found.size > offset) {
      await using file = await open(path, "r");
      const buffer = Buffer.alloc(found.size - offset);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      offset += bytesRead;
      const lines = (half + buffer.toString("utf8", 0, bytesRead)).split("\n");
      half = lines.pop() ?? "";
      yield* lines.filter((line) => line !== "");
    }
    if (follow) await delay(POLL_MS, undefined, { signal }).catch(() => undefined); // stopped: the loop ends
  } while (follow && !signal.aborted);
}

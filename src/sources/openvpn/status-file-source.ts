/**
 * The logins of one OpenVPN server as its status file tells them: coarser than
 * the management interface, since the server writes it once in a while, and
 * nothing can be asked of it.
 *
 * The server rewrites the file in place, line by line, and leaves it behind when
 * it dies (facts: openvpn, 3). So a file that is being written is read again,
 * and an old one is believed for what it counted, but not for being the present.
 */
import { constants, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import type { Clock } from "../../clock.ts";
import { SourceUnavailableError } from "../../errors.ts";
import type { KeeperName } from "../../names.ts";
import { milliseconds, unixTime } from "../../units.ts";
import type { CounterSource, SourceReport } from "../source.ts";
import type { FinalFigures } from "./final-figures.ts";
import { EVERY_LOGIN, type ServerLook } from "./login.ts";
import { LoginReadings, type LoginReadingsOptions, type Moment } from "./login-readings.ts";
import { UnusableStatusError } from "./status-clients.ts";
import { StatusTable } from "./status-table.ts";
import type { LocalMoment } from "./status-times.ts";

export interface StatusFileSourceOptions extends Omit<LoginReadingsOptions, "live"> {
  readonly path: string;
  readonly clock: Clock;
}

const LARGEST_FILE = 64 << 20;
/** A file that changed within this may be half written; a rewrite takes less than a millisecond. */
const SETTLING = milliseconds(50);
/** A file is old when it missed this many of its own intervals, but never before the shortest age. */
const MISSED_INTERVALS = 3;
const SHORTEST_AGE_S = 15;
/** The server's own interval is a minute unless it is told otherwise. */
const USUAL_INTERVAL_S = 60;

export class StatusFileSource implements CounterSource {
  readonly name: KeeperName;
  readonly #options: StatusFileSourceOptions;
  readonly #table: StatusTable;
  readonly #readings: LoginReadings;
  #mark = "";
  #lastLook: ServerLook | undefined;
  /** Seconds between the last two writes that were seen. */
  #interval = USUAL_INTERVAL_S;

  constructor(options: StatusFileSourceOptions) {
    this.name = options.keeper;
    this.#options = options;
    this.#table = new StatusTable({ usersBy: options.usersBy, epochOf: localEpoch });
    this.#readings = new LoginReadings({ ...options, live: false });
  }

  /** As `OpenvpnSource.takeFinals()`. */
  takeFinals(finals: readonly FinalFigures[]): void {
    this.#readings.takeFinals(finals);
  }

  async read(_which: unknown, signal: AbortSignal): Promise<SourceReport> {
    const finals = this.#readings.waiting;
    try {
      const read = await this.#readTwice(signal);
      const look = read ?? this.#lastLook;
      if (!look) throw new UnusableStatusError("it has not been read yet");
      const report = read && this.#readings.take(read, this.#moment(read), finals);
      const old = this.#whyOld(look);
      if (old === undefined) return report ?? this.pending() ?? nothingNew(look);
      if (report) this.#readings.forget(); // it is not handed out: `pending()` has it
      throw new UnusableStatusError(old);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new SourceUnavailableError(this.name, error);
    }
  }

  /** What an old file counted is booked too: it is all that is left of those bytes. */
  pending(): SourceReport | undefined {
    return this.#readings.pending(this.#moment(this.#lastLook));
  }

  forget(): void {
    this.#readings.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A file is open only while it is read.
  }

  /** @returns undefined when the file is as it was. */
  async #readTwice(signal: AbortSignal): Promise<ServerLook | undefined> {
    const { clock } = this.#options;
    try {
      return await this.#readOnce();
    } catch (error) {
      if (!(error instanceof UnusableStatusError)) throw error;
      await clock.sleep(SETTLING, signal);
      return this.#readOnce();
    }
  }

  async #readOnce(): Promise<ServerLook | undefined> {
    const { path, clock } = this.#options;
    // A pipe of that name would wait for a writer for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const before = await file.stat();
    if (!before.isFile() || before.size > LARGEST_FILE) {
      throw new Error(`expected ${path} to be a file of at most ${LARGEST_FILE} bytes, got ${before.size}`);
    }
    const mark = markOf(before);
    if (mark === this.#mark) return undefined;
    const age = clock.unix() - before.mtimeMs;
    if (age >= 0 && age < SETTLING) throw new UnusableStatusError("the server is writing it");
    const text = await file.readFile("utf8");
    if (markOf(await file.stat()) !== mark) throw new UnusableStatusError("the server is writing it");
    const look = this.#table.read(wholeStatus(text));
    const last = this.#lastLook?.writtenAt;
    if (last !== undefined && look.writtenAt > last) this.#interval = look.writtenAt - last;
    this.#lastLook = look;
    this.#mark = mark;
    return look;
  }

  /** Set when the server has not written for so long that it may be gone. */
  #whyOld({ writtenAt }: ServerLook): string | undefined {
    const age = Math.round(this.#options.clock.unix() / 1000 - writtenAt);
    if (age <= Math.max(SHORTEST_AGE_S, MISSED_INTERVALS * this.#interval)) return undefined;
    return `${this.#options.path} was written ${age} s ago and is due every ${this.#interval} s: the server may be dead`;
  }

  /** Its figures are of the moment it was written. */
  #moment(look: ServerLook | undefined): Moment {
    const { clock } = this.#options;
    return { askedAt: look ? unixTime(look.writtenAt * 1000) : clock.unix(), now: clock.monotonic() };
  }
}

/** Another for each state of the file. */
function markOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino}/${size}/${mtimeMs}`;
}

function nothingNew({ writtenAt }: ServerLook): SourceReport {
  const askedAt = unixTime(writtenAt * 1000);
  return { askedAt, epoch: EVERY_LOGIN, complete: true, readings: [], rejected: [] };
}

/**
 * The lines of a status file but END.
 *
 * @throws {UnusableStatusError} unless END is the last of them, and nothing follows.
 */
export function wholeStatus(text: string): string[] {
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const [last, end] = [lines.pop(), lines.pop()];
  if (last !== "" || end !== "END" || lines.includes("END")) {
    throw new UnusableStatusError("it does not end in END: the server is writing it, or was cut off");
  }
  return lines;
}

/** Version 1 has its times in the host's zone alone, which is the server's. */
function localEpoch({ year, month, day, hour, minute, second }: LocalMoment): number {
  return new Date(year, month - 1, day, hour, minute, second).getTime() / 1000;
}

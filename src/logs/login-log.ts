/**
 * Where logins are told of: files such as /var/log/auth.log, and the journal.
 *
 * Both are followed where both are there, since a daemon that logs to its
 * standard error is in the journal alone; so a login can be told of twice. Any
 * local user can write into a file through syslog: what a line says of a process
 * is to be compared with the process.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { codeOf } from "../errors.ts";
import { hasJournal, JournalFollower, readJournal } from "./journal-follower.ts";
import { linesOf } from "./lines.ts";
import { LogFollower } from "./log-follower.ts";
import { type LoginLine, parseLoginLine } from "./login-line.ts";

/** Debian's, and Red Hat's. */
export const LOGIN_FILES: readonly string[] = ["/var/log/auth.log", "/var/log/secure"];

/** How much of a file's end is looked through for earlier logins: some 150,000 lines. */
const TAIL_BYTES = 16 << 20;

export interface LoginLogOptions {
  /** One that does not exist yet is followed from its first line on. */
  readonly paths: readonly string[];
  /** Whether the journal is followed too, where there is one. */
  readonly journal: boolean;
}

export interface LoginLog extends Disposable {
  /**
   * The logins of these processes told of before now, oldest first, as far back
   * as the end of each file, the file rotated last, and this boot's journal go.
   * Pids are reused: an old line may be of another process.
   *
   * @throws the system's error for a file that is there and cannot be read, or when journalctl fails.
   */
  readBack(pids: ReadonlySet<number>): Promise<LoginLine[]>;
  /** Reads what stands in the files now, without waiting for the kernel's word on it. */
  catchUp(): void;
  /** Why no login can be heard of, if so. */
  readonly trouble: string | undefined;
}

/** @param onLogin told of each login from now on, and of some twice. */
export function openLoginLog(options: LoginLogOptions, onLogin: (login: LoginLine) => void): LoginLog {
  const { paths } = options;
  const journal = options.journal && hasJournal() ? new JournalFollower(onLogin) : undefined;
  const followers = paths.map(
    (path) =>
      new LogFollower(path, (line) => {
        const login = parseLoginLine(line);
        if (login) onLogin(login);
      }),
  );
  return {
    async readBack(pids) {
      const files = paths.flatMap((path) => [`${path}.1`, path]);
      const told: LoginLine[] = [];
      for (const path of files) told.push(...(await loginsInTail(path, pids)));
      if (journal && pids.size > 0) told.push(...(await readJournal(pids)));
      return told;
    },
    catchUp: () => {
      for (const follower of followers) follower.catchUp();
    },
    get trouble() {
      const troubles = followers.map(({ path, trouble }) => trouble && `${path}: ${trouble}`);
      if (journal) troubles.push(journal.trouble);
      if (!troubles.every((trouble) => trouble !== undefined)) return undefined;
      return [...troubles, ...(journal ? [] : ["no journal"])].join(", ");
    },
    [Symbol.dispose]: () => {
      for (const follower of followers) follower[Symbol.dispose]();
      journal?.[Symbol.dispose]();
    },
  };
}

async function loginsInTail(path: string, pids: ReadonlySet<number>): Promise<LoginLine[]> {
  const logins: LoginLine[] = [];
  if (pids.size === 0) return logins;
  try {
    const { size } = await stat(path);
    const start = Math.max(0, size - TAIL_BYTES);
    let whole = start === 0;
    for await (const line of linesOf(createReadStream(path, { start }))) {
      const login = whole ? parseLoginLine(line) : undefined; // the first may be the end of another, with a name in it
      whole = true;
      if (login && pids.has(login.pid)) logins.push(login);
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return logins;
}

/**
 * Logins from the system's journal, by way of journalctl(1): one child that
 * lives as long as the follower, and one for what was told before.
 *
 * Debian's unit runs Dropbear with its log on standard error, which the journal
 * keeps and no auth.log ever sees; and Debian 12 has no auth.log by default.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { reasonOf } from "../errors.ts";
import { parseJournalEntry } from "./journal-entry.ts";
import { linesOf } from "./lines.ts";
import type { LoginLine } from "./login-line.ts";

/** There while journald runs. Without it journalctl waits in silence for ever. */
const JOURNAL_SOCKET = "/run/systemd/journal/socket";
const IDENTIFIERS = ["-t", "dropbear", "-t", "dropbearmulti", "-t", "sshd", "-t", "sshd-session"];
const JSON_LINES = ["-q", "-o", "json"];
/** Between two attempts, doubled up to the longest; a child that lived for that long begins anew. */
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 60_000];

export function hasJournal(): boolean {
  return existsSync(JOURNAL_SOCKET);
}

export class JournalFollower implements Disposable {
  readonly #onLogin: (login: LoginLine) => void;
  #child: ChildProcess | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pause = SHORTEST_PAUSE_MS;
  #ended = false;
  #trouble: string | undefined;

  /** @param onLogin told of each login from now on; of some twice, after journalctl had to be started again. */
  constructor(onLogin: (login: LoginLine) => void) {
    this.#onLogin = onLogin;
    this.#start(["-n", "0"]);
  }

  /** Why nothing is told at the moment, if so. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#child?.kill();
  }

  #start(from: readonly string[]): void {
    const began = Date.now();
    const child = spawn("journalctl", ["-f", ...JSON_LINES, ...from, ...IDENTIFIERS], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    child.once("spawn", () => {
      this.#trouble = undefined;
    });
    const ended = (why: string) => {
      if (this.#ended || this.#child !== child) return;
      this.#child = undefined;
      this.#trouble = why;
      if (Date.now() - began >= LONGEST_PAUSE_MS) this.#pause = SHORTEST_PAUSE_MS;
      // A second more than was missed, since the journal's clock is asked in whole ones.
      const since = ["--no-tail", `--since=@${Math.floor(Date.now() / 1000) - 1}`];
      this.#retry = setTimeout(() => this.#start(since), this.#pause).unref();
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    };
    child.once("error", (error) => ended(`journalctl: ${reasonOf(error)}`));
    child.once("close", (status, signal) => ended(`journalctl ended with ${signal ?? `status ${status}`}`));
    void this.#hear(child).catch((error: unknown) => ended(`journalctl: ${reasonOf(error)}`));
    child.unref();
  }

  async #hear(child: ChildProcess): Promise<void> {
    if (!child.stdout) return;
    for await (const line of linesOf(child.stdout)) {
      const login = this.#ended ? undefined : parseJournalEntry(line);
      if (login) this.#onLogin(login);
    }
  }
}

/**
 * The logins of these processes since this boot, oldest first. Pids are reused: one may have been another's.
 *
 * @throws {Error} when journalctl fails.
 */
export async function readJournal(pids: ReadonlySet<number>): Promise<LoginLine[]> {
  const wanted = [...pids].map((pid) => `_PID=${pid}`);
  const child = spawn("journalctl", ["-b", ...JSON_LINES, ...IDENTIFIERS, ...wanted], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const status = new Promise<number | string | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  const logins: LoginLine[] = [];
  const read = async () => {
    for await (const line of linesOf(child.stdout)) {
      const login = parseJournalEntry(line);
      if (login && pids.has(login.pid)) logins.push(login);
    }
  };
  const [ended] = await Promise.all([status, read()]);
  if (ended !== 0) throw new Error(`Cannot read logins from the journal: journalctl ended with ${ended}`);
  return logins;
}

/**
 * Whose flows are whose where the SSH daemon stays root: Dropbear before 2025.89.
 *
 *   fork of a listener -> a cgroup of its own, at once: it takes a client round trips to log in
 *   login line         -> that cgroup's flows are the user's
 *   cgroup empty       -> gone
 *
 * A login line is believed when the process it names runs Dropbear and holds the
 * connection the line says the login came by; that also keeps an old line with a
 * reused pid from speaking for another. What is here when Sluice starts is found
 * in the log's past; its open flows, whose sockets were made outside of the
 * cgroup, are marked one by one.
 *
 * Longer than most, for the order of these steps in one place: what a session
 * is and what a connection is lie in files of their own.
 */
import { KernelUnavailableError, reasonOf } from "../../errors.ts";
import type { Cgroup } from "../../kernel/cgroups.ts";
import { parentOf, socketInodesOf } from "../../kernel/processes.ts";
import type { Endpoint, SocketTable, TcpSocket } from "../../kernel/sockets.ts";
import type { LoginLine } from "../../logs/login-line.ts";
import { type LoginLog, type LoginLogOptions, openLoginLog } from "../../logs/login-log.ts";
import { type UserName, userName } from "../../names.ts";
import { isDropbear } from "./dropbear-processes.ts";
import { DropbearWatch } from "./dropbear-watch.ts";
import { type OpenSession, SESSIONS, SessionCgroups } from "./session-cgroups.ts";
import { sessionNotes } from "./session-notes.ts";

/** What is done in the kernel. Each may be done again to what it was done to before. */
export interface SessionHands {
  /** Maps the cgroup to the account's mark from now on (an nft map element; or an iptables rule where nft or the kernel is too old). */
  markCgroup(cgroup: Cgroup, user: UserName): Promise<void>;
  /** Also of a cgroup that an earlier run mapped, or nobody. */
  unmarkCgroup(cgroup: Cgroup): Promise<void>;
  /**
   * Marks a flow whose socket was made outside of its cgroup.
   *
   * @returns true once it bears a mark, and it is not asked for again. The kernel knows a flow it did not track
   * before only from its next packet on.
   */
  markFlow(local: Endpoint, remote: Endpoint, user: UserName): boolean;
}

export interface SessionsOptions extends LoginLogOptions {
  readonly hands: SessionHands;
  readonly sockets: SocketTable;
  /** The folder of the cgroups, at the top of the v2 tree; `SESSIONS` if left out. */
  readonly parent?: string;
}

export interface Session {
  /** The daemon's process for this connection. */
  readonly pid: number;
  readonly cgroup: Cgroup;
}

/** Looking through all processes takes milliseconds; new listeners are rare. */
const LOOK_EVERY_MS = 5_000;
/** How often a login line is compared with its process, once a second. */
const TRIES = 3;

export class DropbearSessions implements AsyncDisposable {
  readonly #options: SessionsOptions;
  readonly #watch: DropbearWatch;
  /** Opened with the first Dropbear: undefined, too, where there are no cgroups. */
  #sessions: SessionCgroups | undefined;
  #log: LoginLog | undefined;
  #pastUnread = false;
  #lookAt = 0;
  #contradictions = 0;
  #doubtful: { readonly line: LoginLine; readonly tries: number }[] = [];
  /** The last failure of each kind that has not been made good since. */
  readonly #troubles = new Map<"cgroups" | "past" | "change", string>();

  private constructor(options: SessionsOptions) {
    this.#options = options;
    this.#watch = new DropbearWatch(options.sockets, (pid, late) => {
      void this.#attempt("change", () => this.#open()?.adopt(pid, late));
    });
  }

  /** Takes in what runs now. As long as no Dropbear does, nothing is opened and nobody listens. */
  static async open(options: SessionsOptions): Promise<DropbearSessions> {
    const sessions = new DropbearSessions(options);
    await sessions.upkeep();
    return sessions;
  }

  /** Once a second: empty cgroups go; every few seconds new listeners and what was missed are taken in. */
  async upkeep(): Promise<void> {
    this.#troubles.delete("change");
    if (this.#watch.missed || performance.now() >= this.#lookAt) {
      await this.#attempt("change", () => this.#lookAround());
    }
    for (const { line, tries } of this.#doubtful.splice(0)) await this.#hear(line, tries);
    await this.#mapAll();
    await this.#markOpenFlows();
    await this.#removeEmpty();
  }

  /**
   * Tells the kernel again whose each session is: after its rules were made
   * anew, or when a login began to be metered while he was logged in.
   */
  async markAgain(): Promise<void> {
    for (const session of this.#all) {
      session.mapped = false;
      session.marked.clear();
    }
    await this.#mapAll();
    await this.#markOpenFlows();
  }

  /** Whose process is whose, of those that are known to be somebody's. */
  users(): ReadonlyMap<number, UserName> {
    return new Map(this.#all.flatMap(({ pid, user }) => (user === undefined ? [] : [[pid, user]])));
  }

  sessionsOf(user: UserName): Session[] {
    return this.#all.filter((session) => session.user === user);
  }

  /**
   * Kills every process of the user's sessions: the daemon's, and what he started in them.
   *
   * @returns how many sessions that ended.
   * @throws {Error} when some process outlives it.
   */
  async end(user: UserName): Promise<number> {
    this.#log?.catchUp(); // who has just logged in is ended too
    let ended = 0;
    const alive: number[] = [];
    for (const session of this.#all) {
      if (!this.#sessions || session.user !== user || this.#sessions.isEmpty(session)) continue;
      alive.push(...(await this.#sessions.kill(session)));
      ended += 1;
    }
    if (alive.length === 0) return ended;
    throw new Error(`Cannot end the Dropbear sessions of "${user}": still running: ${alive.join(", ")}`);
  }

  /** What cannot be seen, one sentence each. */
  notes(): readonly string[] {
    return [
      ...this.#troubles.values(),
      ...sessionNotes({
        sessions: this.#all,
        forks: this.#watch.trouble,
        log: this.#log?.trouble,
        inetd: this.#watch.found.inetd.filter((pid) => !this.#sessions?.of(pid)).length,
        contradictions: this.#contradictions,
      }),
    ];
  }

  /** Leaves cgroups and marks as they are: who is gated stays so. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#rest();
  }

  get #all(): readonly OpenSession[] {
    return this.#sessions?.all ?? [];
  }

  async #lookAround(): Promise<void> {
    this.#lookAt = performance.now() + LOOK_EVERY_MS;
    this.#watch.look();
    if (this.#watch.found.listeners.size === 0 && this.#all.length === 0) return this.#rest();
    this.#open();
    if (!this.#log) {
      this.#log = openLoginLog(this.#options, (line) => void this.#hear(line));
      this.#pastUnread = true;
      this.#watch.look(); // who came before the log was opened is asked for in its past
    }
    await this.#watch.follow();
    if (this.#pastUnread) await this.#readBack(this.#log);
  }

  /** No Dropbear: nothing to hear, no thread to keep. */
  #rest(): void {
    this.#watch[Symbol.dispose]();
    this.#log?.[Symbol.dispose]();
    this.#log = undefined;
  }

  #open(): SessionCgroups | undefined {
    try {
      this.#sessions ??= new SessionCgroups(this.#options.parent ?? SESSIONS);
      this.#troubles.delete("cgroups");
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      this.#troubles.set("cgroups", `Dropbear's users are not counted: ${error.message}`);
    }
    return this.#sessions;
  }

  async #readBack(log: LoginLog): Promise<void> {
    const nobodys = this.#all.filter(({ user }) => user === undefined);
    await this.#attempt("past", async () => {
      for (const line of await log.readBack(new Set(nobodys.map(({ pid }) => pid)))) await this.#hear(line);
      this.#pastUnread = false;
      this.#troubles.delete("past");
    });
  }

  /** A line that does not fit what is seen of its process is compared again: a look can miss what changes meanwhile. */
  async #hear(line: LoginLine, tries = TRIES): Promise<void> {
    let settled = false;
    await this.#attempt("change", async () => {
      settled = await this.#settle(line);
    });
    if (!settled && tries > 1) this.#doubtful.push({ line, tries: tries - 1 });
  }

  /** @returns false for a line that is not to be believed as things look. */
  async #settle(line: LoginLine): Promise<boolean> {
    const user = userIn(line);
    if (line.daemon !== "dropbear" || user === undefined || !isDropbear(line.pid)) return true;
    const session = this.#sessionOf(line.pid);
    const client = this.#clientOf(line);
    if (!session || !client) return false;
    if (session.user === undefined) {
      session.user = user;
      session.client = client.cookie;
      await this.#map(session);
      if (session.late) await this.#markOpenFlows();
    } else if (session.user !== user) {
      this.#contradictions += 1;
    }
    return true;
  }

  /** The session of this very process, taken in now if its fork was not told of. */
  #sessionOf(pid: number): OpenSession | undefined {
    const known = this.#sessions?.of(pid);
    if (known) return known;
    if (this.#watch.found.listeners.has(parentOf(pid) ?? 0)) this.#open()?.adopt(pid, true);
    else this.#watch.look(); // of a listener that is new, or gone
    return this.#sessions?.of(pid);
  }

  /** The connection that the line says the login came by, if the process holds it. */
  #clientOf({ pid, address, port }: LoginLine): TcpSocket | undefined {
    const held = socketInodesOf(pid);
    return this.#options.sockets
      .list(this.#watch.ports)
      .find(({ remote, inode }) => remote.port === port && remote.address === address && held.has(inode));
  }

  async #mapAll(): Promise<void> {
    for (const session of this.#all) {
      if (!session.mapped) await this.#attempt("change", () => this.#map(session));
    }
  }

  async #map(session: OpenSession): Promise<void> {
    const { cgroup, user } = session;
    if (user === undefined) return;
    await this.#options.hands.markCgroup(cgroup, user);
    session.mapped = true;
  }

  /** Of those whose cgroup came after their sockets, which stay where they were made: so does, of a listening one, what it accepts. */
  async #markOpenFlows(): Promise<void> {
    const late = this.#all.filter((session) => session.late && session.mapped);
    if (late.length === 0) return;
    await this.#attempt("change", () => {
      const owned = this.#options.sockets.listOwnedBy(0);
      for (const session of late) this.#markFlows(session, owned);
    });
  }

  #markFlows({ pid, user, client, marked }: OpenSession, owned: readonly TcpSocket[]): void {
    if (user === undefined) return;
    const held = socketInodesOf(pid);
    for (const { local, remote, inode, cookie } of owned) {
      if (!held.has(inode) || marked.has(cookie) || cookie === client) continue;
      if (this.#options.hands.markFlow(local, remote, user)) marked.add(cookie);
    }
  }

  async #removeEmpty(): Promise<void> {
    await this.#attempt("change", async () => {
      for (const cgroup of this.#sessions?.emptied() ?? []) {
        await this.#options.hands.unmarkCgroup(cgroup);
        this.#sessions?.forget(cgroup);
      }
    });
  }

  /** One session's trouble is no other's: it is told by the notes, and tried again by the next upkeep. */
  async #attempt(kind: "past" | "change", action: () => void | Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#troubles.set(
        kind,
        kind === "past"
          ? `Dropbear logins from before Sluice's start cannot be looked up: ${reasonOf(error)}`
          : `a Dropbear session could not be taken in or let go: ${reasonOf(error)}`,
      );
    }
  }
}

function userIn({ user }: LoginLine): UserName | undefined {
  try {
    return userName(user);
  } catch {
    return undefined; // no user has such a name
  }
}

/**
 * SSH, assembled: the logins of /etc/passwd, what in the kernel meters and
 * gates them, the sessions of a Dropbear that stays root, and the gate.
 *
 * It stands by, with a reason, as long as there is nothing to meter or no way
 * to; everything else runs on meanwhile.
 */
import type { Clock } from "../clock.ts";
import type { SshSettings } from "../config.ts";
import type { StopStep } from "../control/rows.ts";
import { type LoginGates, SshEnforcer } from "../enforcement/ssh/ssh-enforcer.ts";
import { reasonOf, SourceUnavailableError } from "../errors.ts";
import type { TableWatch } from "../kernel/nft-events.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import { counterName, type KeeperName, keeperName, type UserName, userName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import type { Job } from "../scheduler/scheduler.ts";
import { formatSize } from "../sizes.ts";
import type { CounterSource } from "../sources/source.ts";
import type { DropbearSessions } from "../sources/ssh/dropbear-sessions.ts";
import { type Login, LoginFile, tunnelLogins } from "../sources/ssh/logins.ts";
import type { EventFile } from "../storage/events.ts";
import { monotonicTime, type UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import { reportRaisedTracking } from "./conntrack-room.ts";
import type { Gate } from "./gatekeeper.ts";
import type { LoginGuards } from "./login-guards.ts";
import { reportKeeper } from "./meter-events.ts";
import type { Saver } from "./saver.ts";
import { type MeteredLogin, SSH, type SshBackend } from "./ssh-backend.ts";
import { openBackend } from "./ssh-backends.ts";
import { openRootSessions } from "./ssh-root-sessions.ts";

const SSH_KEEPER: KeeperName = keeperName(SSH);

export interface SshPartOptions {
  readonly settings: SshSettings;
  readonly mode: "enforce" | "observe";
  readonly count: CountRule;
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly clock: Clock;
  readonly sockets: SocketTable;
  readonly tables: TableWatch;
  readonly guards: LoginGuards;
  /** Whether the verdict on this account locks his login, beyond the gate. */
  readonly locks: (entry: Entry) => boolean;
  /** Reads and books all counters now. */
  readonly look: () => Promise<void>;
  /** The account's gate was used up: judged and carried out. */
  readonly onDepleted: (entry: Entry, at: UnixTime) => void;
}

const UPKEEP_MS = 1_000;
/** How often a kernel that refused is asked again, and who may not be touched is worked out anew. */
const FOLLOW_MS = 60_000;

export class SshPart implements AsyncDisposable {
  readonly gate: Gate;
  readonly source: CounterSource;
  readonly #options: SshPartOptions;
  readonly #file = new LoginFile();
  readonly #enforcer: SshEnforcer;
  #logins: ReadonlyMap<UserName, MeteredLogin> = new Map();
  #refused: readonly { readonly name: string; readonly why: string }[] = [];
  #backend: SshBackend | undefined;
  #rootSessions: DropbearSessions | undefined;
  #standby: string | undefined = "not started";
  #upkeepAt = monotonicTime(0);
  #followAt = 0;

  constructor(options: SshPartOptions) {
    this.#options = options;
    this.#enforcer = new SshEnforcer({
      keeper: SSH_KEEPER,
      gates: (): LoginGates | undefined => this.#backend,
      sockets: options.sockets,
      loginOf: (user) => this.loginOf(user)?.login,
      users: () => this.#logins.keys(),
      locks: (user) => {
        const login = this.loginOf(user);
        return login !== undefined && options.locks(login.entry);
      },
      untouchable: (login) => options.guards.whyUntouchable(login),
      endRootSessions: async (user) => (await this.#rootSessions?.end(user)) ?? 0,
    });
    this.gate = this.#enforcer;
    this.source = {
      name: SSH_KEEPER,
      read: (which, signal) => {
        if (!this.#backend) throw new SourceUnavailableError(SSH_KEEPER, new Error(this.#standby));
        return this.#backend.source.read(which, signal);
      },
      pending: () => undefined,
      forget: () => this.#backend?.source.forget(),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** The least time between two reads, in milliseconds: one that starts processes is not done every tick. */
  get shortestPeriod(): number {
    return this.#backend?.shortestPeriod ?? 0;
  }

  /** Why nothing is metered now; undefined while it is. */
  get standby(): string | undefined {
    return this.#standby;
  }

  /** There is no login to meter, and nothing wrong with that. */
  get idle(): boolean {
    return this.#backend === undefined && this.#logins.size === 0;
  }

  get enforcer(): SshEnforcer {
    return this.#enforcer;
  }

  get backend(): SshBackend | undefined {
    return this.#backend;
  }

  loginOf(user: UserName): MeteredLogin | undefined {
    return this.#logins.get(user);
  }

  /** All logins whose traffic can be told from others'. */
  metered(): Iterable<MeteredLogin> {
    return this.#logins.values();
  }

  /** Users of Dropbear's processes that stay root, by pid. */
  rootUsers(): ReadonlyMap<number, UserName> {
    return this.#rootSessions?.users() ?? new Map();
  }

  /** The login of an account, under whichever of its names. */
  loginOfAccount(entry: Entry): MeteredLogin | undefined {
    for (const user of entry.users) {
      const login = this.#logins.get(user);
      if (login) return login;
    }
    return undefined;
  }

  /** Moves the account's gate to what its limits leave. */
  arm(entry: Entry): void {
    const login = this.loginOfAccount(entry);
    if (login) this.#backend?.arm(login);
  }

  async start(): Promise<void> {
    await this.#follow();
    await this.#openRootSessions();
  }

  /** Puts the gates of all saved accounts into the kernel, as a boot does before the first login. */
  async loadGates(): Promise<void> {
    await this.#follow();
  }

  get job(): Job {
    return {
      name: "ssh upkeep",
      dueAt: () => this.#upkeepAt,
      run: async (tick) => {
        this.#upkeepAt = monotonicTime(tick + UPKEEP_MS);
        if (this.#file.changed() || tick >= this.#followAt) await this.#follow(tick);
        await this.#backend?.upkeep();
        await this.#openRootSessions();
        await this.#rootSessions?.upkeep();
      },
    };
  }

  notes(): readonly string[] {
    const untouchable = [...this.#logins.values()].filter((login) => login.untouchable);
    return [
      ...this.#refused.map(({ name, why }) => `login ${name} is not metered: ${why}`),
      ...(untouchable.length > 0
        ? [
            `never cut, only metered: ${untouchable
              .map(({ login }) => `${login.name} (${this.#options.guards.whyUntouchable(login)})`)
              .join(", ")}`,
          ]
        : []),
      ...(this.#backend?.notes() ?? []),
      ...(this.#rootSessions?.notes() ?? []),
      ...(this.#backend ? [UNSEEN] : []),
    ];
  }

  /** By what the account's login is stopped; undefined where it has none. */
  stopStepOf(entry: Entry): StopStep | undefined {
    const login = this.loginOfAccount(entry);
    if (!login) return undefined;
    const { guards, mode } = this.#options;
    const untouchable = guards.whyUntouchable(login.login);
    if (untouchable !== undefined)
      return { keeper: SSH, step: "report", text: `only metered: ${untouchable}` };
    if (!this.#backend) return { keeper: SSH, step: "report", text: `not metered: ${this.#standby}` };
    if (mode === "observe") return { keeper: SSH, step: "report", text: "Sluice observes" };
    return this.#backend.gated
      ? { keeper: SSH, step: "gate", text: "by his connections' mark, set as they are made" }
      : { keeper: SSH, step: "cut", text: "no gate: iptables counts" };
  }

  /** A login is gone for good, or about to be: his objects leave the kernel and the account its SSH side. */
  async forget(user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (!login) return;
    await this.#options.look().catch(() => undefined); // what cannot be read is lost with the counters
    this.#logins = new Map([...this.#logins].filter(([name]) => name !== user));
    await this.#backend?.set(this.#logins);
    this.#followAt = 0; // the name may be somebody else's by now
    this.#options.books.dropService(login.entry, SSH, counterName(SSH_KEEPER, user));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rootSessions?.[Symbol.asyncDispose]();
    await this.#backend?.[Symbol.asyncDispose]();
    this.#backend = undefined;
    this.#standby = "stopped";
  }

  /** Brings accounts and kernel to what /etc/passwd says. */
  async #follow(tick = 0): Promise<void> {
    const { settings, saver } = this.#options;
    this.#followAt = tick + FOLLOW_MS;
    const { logins, refused } = tunnelLogins(this.#file.read(), settings.minUid);
    this.#refused = refused;
    const before = this.#logins;
    const metered = this.#meter(logins);
    const gone = [...before.values()].filter(({ user, number }) => metered.get(user)?.number !== number);
    for (const { user } of gone) await this.forget(user);
    this.#logins = metered;
    if (this.#backend === undefined && metered.size === 0) {
      this.#standby = `no login with a uid of ${settings.minUid} or more`;
      return;
    }
    // Numbers are on the disk before the kernel knows them: none is given twice.
    await saver.tryFlush();
    try {
      if (this.#backend) await this.#backend.set(metered);
      else await this.#open(metered);
      if (metered.size !== before.size || gone.length > 0) await this.#rootSessions?.markAgain();
      this.#standby = undefined;
    } catch (error) {
      this.#standby = reasonOf(error);
    }
  }

  #meter(logins: readonly Login[]): Map<UserName, MeteredLogin> {
    const { books, guards, events } = this.#options;
    guards.refresh();
    const metered = new Map<UserName, MeteredLogin>();
    for (const login of logins) {
      const user = userName(login.name);
      const known = books.accounts.get(books.accountNameOf(user));
      const returns =
        known !== undefined && !known.standing.services.includes(SSH) && known.usage.totalCounted > 0;
      const entry = books.know(user, SSH);
      if (!entry) continue;
      if (returns && this.#backend) {
        events.record(
          "login-returned",
          `Login ${user} is there again with ${formatSize(entry.usage.totalCounted)} used before: sluice reset ${user} starts him over`,
          { user, used_bytes: entry.usage.totalCounted },
        );
      }
      metered.set(user, {
        user,
        login,
        entry,
        number: books.kernelNumberOf(entry),
        untouchable: guards.whyUntouchable(login) !== undefined,
      });
    }
    return metered;
  }

  async #open(logins: ReadonlyMap<UserName, MeteredLogin>): Promise<void> {
    const { settings, mode, count, books, saver, clock, tables, look, onDepleted, events } = this.#options;
    const opened = await openBackend({
      keeper: SSH_KEEPER,
      wanted: settings.backend,
      gates: mode === "enforce",
      count,
      books,
      clock,
      tables,
      look,
      onDepleted: ({ entry }, at) => onDepleted(entry, at),
      onBegan: (booked) => {
        reportKeeper(events, SSH_KEEPER, booked, () => undefined);
        void saver.saveFirstLook();
      },
      onRestored: () => {
        void this.#rootSessions?.markAgain();
        events.record(
          "rules-restored",
          "Another program flushed Sluice's rules in the kernel: they stand again; what passed in between was not counted",
          {},
          "warning",
        );
      },
      onConntrackRaised: (from, to, dropIn) => reportRaisedTracking(events, from, to, dropIn),
    });
    try {
      await opened.set(logins);
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
    this.#backend = opened;
  }

  async #openRootSessions(): Promise<void> {
    const { settings, sockets } = this.#options;
    if (!this.#backend || this.#rootSessions) return;
    this.#rootSessions = await openRootSessions({
      backend: this.#backend,
      sockets,
      authLog: settings.authLog,
      numberOf: (user: UserName) => this.#logins.get(user)?.number,
    });
  }
}

const UNSEEN =
  "not seen: scp, sftp and commands, and forwards to Unix sockets (AllowStreamLocalForwarding no, and nologin shells, prevent them)";

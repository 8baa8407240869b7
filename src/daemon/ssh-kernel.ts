/**
 * SSH logins metered and gated by our nftables table.
 *
 * Gates follow the books: an account's quota shuts at the reading at which its
 * nearest limit is reached, whatever else is booked to it meanwhile. When the
 * kernel says that one is used up, that is the verdict.
 */
import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import { ACCOUNT_MASK, marksOf, numberOfQuota, SERVICE_SSH } from "../kernel/account-marks.ts";
import { claimByRules, releaseByRules } from "../kernel/cgroup-rules.ts";
import type { Cgroup } from "../kernel/cgroups.ts";
import type { Conntrack } from "../kernel/conntrack.ts";
import { LOGINS } from "../kernel/metering-script.ts";
import { MeteringTable, OPEN, SHUT } from "../kernel/metering-table.ts";
import type { TableWatch } from "../kernel/nft-events.ts";
import type { NftTable } from "../kernel/nftables.ts";
import type { Endpoint } from "../kernel/sockets.ts";
import { countedOf } from "../ledger/usage.ts";
import { epochName, type KeeperName, type UserName } from "../names.ts";
import type { Verdict } from "../policy/verdict.ts";
import type { CountRule } from "../rules.ts";
import { KernelSource } from "../sources/ssh/kernel-source.ts";
import { type Bytes, bytes, type UnixTime } from "../units.ts";
import type { BookedReport, Books } from "./books.ts";
import { type MeteredLogin, SSH, type SshBackend } from "./ssh-backend.ts";

export interface SshKernelOptions {
  readonly keeper: KeeperName;
  readonly nft: NftTable;
  readonly tables: TableWatch;
  readonly conntrack: Conntrack | undefined;
  readonly books: Books;
  readonly clock: Clock;
  readonly count: CountRule;
  /** False where nobody may be gated: count only. */
  readonly gates: boolean;
  /** Reads and books all counters now. */
  readonly look: () => Promise<void>;
  /** The gate of this login was used up, a packet short of his limit. */
  readonly onDepleted: (login: MeteredLogin, at: UnixTime) => void;
  /** The first table of this installation stands. */
  readonly onBegan: (booked: BookedReport) => void;
  /** Our rules were gone, and stand again. */
  readonly onRestored: () => void;
}

/** Sessions' cgroups lie in a folder at the top. */
const CGROUP_LEVEL = 2;
/** The largest packet a kernel hands around (BIG TCP, 512 KiB): a gate shuts at most one of them early. */
const LARGEST_PACKET = 1 << 20;

export class SshKernel implements SshBackend {
  readonly source: KernelSource;
  readonly shortestPeriod = 0;
  readonly #options: SshKernelOptions;
  readonly #table: MeteringTable;
  #logins: ReadonlyMap<UserName, MeteredLogin> = new Map();
  readonly #byNumber = new Map<number, MeteredLogin>();
  /** Sessions' cgroups that were claimed, by name, and whose they are. */
  readonly #claimed = new Map<string, number>();
  #events: Disposable | undefined;
  #trouble: string | undefined;
  #building: Promise<void> | undefined;

  constructor(options: SshKernelOptions) {
    const { nft, keeper, clock, count, gates } = options;
    this.#options = options;
    this.#table = new MeteringTable(nft, {
      form: LOGINS,
      gated: gates ? count : undefined,
      cgroupLevel: CGROUP_LEVEL,
    });
    this.source = new KernelSource({
      name: keeper,
      table: this.#table,
      clock,
      userOf: (number) => this.#byNumber.get(number)?.user,
      rebuild: () => this.#rebuild(),
    });
  }

  get gated(): boolean {
    return this.#options.gates;
  }

  async set(logins: ReadonlyMap<UserName, MeteredLogin>): Promise<void> {
    this.#logins = logins;
    this.#byNumber.clear();
    for (const login of logins.values()) this.#byNumber.set(login.number, login);
    if (this.#table.epoch === undefined) {
      const { books, keeper } = this.#options;
      const unknown = !books.keepers.has(keeper);
      // What an older table counted belongs to no account.
      if (unknown) await this.#table.drop();
      await this.#build();
      if (unknown) this.#begin();
      await this.#watch();
      return;
    }
    for (const { number } of [...this.#table.slots]) {
      if (this.#byNumber.has(number)) continue;
      await this.#table.remove(number);
      this.#forgetFlows(number);
    }
    for (const { number, login, entry, untouchable } of logins.values()) {
      if (this.#table.has(number)) await this.#table.setUid(number, login.uid);
      else await this.#table.add({ number, uid: login.uid }, this.#limitOf(entry, untouchable));
    }
  }

  arm(login: MeteredLogin): void {
    const { entry, untouchable, number } = login;
    const standing = this.#table.limitOf(number);
    if (!this.#options.gates || entry.verdict.kind === "deny" || standing === undefined || standing === SHUT)
      return;
    const limit = this.#limitOf(entry, untouchable);
    if (limit === standing) return;
    this.#table.setLimit(number, limit).then(undefined, (error: unknown) => this.#failed(error));
  }

  async shut(user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (login) await this.#table.setLimit(login.number, SHUT);
  }

  async open(user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (!login || login.entry.verdict.kind === "deny") return;
    await this.#table.reopen(login.number, this.#limitOf(login.entry, login.untouchable));
  }

  isShut(user: UserName): boolean {
    const login = this.#logins.get(user);
    return login !== undefined && this.#table.limitOf(login.number) === SHUT;
  }

  async upkeep(): Promise<void> {
    if (!(await this.#table.intact())) await this.#rebuild();
    for (const login of this.#logins.values()) {
      const { verdict } = login.entry;
      if (verdict.kind === "deny" || verdict.remaining === undefined || verdict.remaining > LARGEST_PACKET)
        continue;
      // The kernel's own word may have been lost: it drops messages when they come too fast.
      if ((await this.#table.gateOf(login.number))?.depleted) await this.#depleted(login.number);
    }
    this.#trouble = undefined;
  }

  async claimCgroup({ id, name, path, nftPath }: Cgroup, user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (!login) return;
    if (this.#table.knowsCgroups) await this.#table.claimCgroup({ id, path: nftPath }, login.number);
    else await claimByRules(path, marksOf(login.number, SERVICE_SSH));
    this.#claimed.set(name, login.number);
  }

  async releaseCgroup({ id, name, path, nftPath }: Cgroup): Promise<void> {
    const number = this.#claimed.get(name);
    if (this.#table.knowsCgroups) await this.#table.releaseCgroup({ id, path: nftPath });
    else if (number !== undefined) await releaseByRules(path, marksOf(number, SERVICE_SSH));
    this.#claimed.delete(name);
  }

  claimFlow(local: Endpoint, remote: Endpoint, mark: number): boolean {
    const outcome = this.#options.conntrack?.markFlow(local, remote, mark);
    return outcome === "marked" || outcome === "taken";
  }

  notes(): readonly string[] {
    const { foreignMarks, noTracking } = this.#table;
    return [
      ...(this.#trouble === undefined ? [] : [this.#trouble]),
      ...(foreignMarks > 0
        ? [
            `${foreignMarks} bytes of SSH logins passed uncounted on connections that carry another program's mark`,
          ]
        : []),
      ...(noTracking > 0
        ? [
            `${noTracking} bytes of SSH logins passed uncounted: a "notrack" rule keeps them from connection tracking`,
          ]
        : []),
      ...(this.#options.gates ? [] : ["counting only: no gate is set in observe mode"]),
      ...(!this.#table.knowsCgroups
        ? [
            "no `socket cgroupv2` here (kernel 5.13 and nft 0.9.9): Dropbear's users are marked by iptables, if at all",
          ]
        : []),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events?.[Symbol.dispose]();
    // Nobody is gated by a table that only counts: it need not stay.
    if (!this.#options.gates) await this.#table.drop();
    this.#options.nft[Symbol.dispose]();
    this.#options.conntrack?.[Symbol.dispose]();
  }

  /** The reading at which the nearest limit is reached, as the counters of the table's epoch read. */
  #limitOf(entry: MeteredLogin["entry"], untouchable: boolean, epoch = this.#table.epoch): Bytes {
    const { gates, count, keeper } = this.#options;
    if (!gates || untouchable) return OPEN;
    if (entry.verdict.kind === "deny") return SHUT;
    if (entry.verdict.remaining === undefined) return OPEN;
    let booked = 0;
    for (const [name, state] of entry.counters) {
      if (name.startsWith(`${keeper}:`) && state.epoch === epoch) booked += countedOf(state.baseline, count);
    }
    return bytes(Math.min(booked + entry.verdict.remaining, OPEN));
  }

  /** Somebody flushed our rules: they stand again before anything else is done. Calls share one rebuild. */
  #rebuild(): Promise<void> {
    this.#building ??= this.#build()
      .then(() => this.#options.onRestored())
      .finally(() => {
        this.#building = undefined;
      });
    return this.#building;
  }

  async #build(): Promise<void> {
    await this.#table.build(
      [...this.#logins.values()].map(({ number, login, entry, untouchable }) => ({
        number,
        uid: login.uid,
        limit: (epoch) => this.#limitOf(entry, untouchable, epoch),
      })),
    );
  }

  /** Metering begins with this table, at zero: no look need find out where its counters stood. */
  #begin(): void {
    const { books, keeper, clock, onBegan } = this.#options;
    const epoch = epochName(this.#table.epoch ?? "");
    const report = { askedAt: clock.unix(), epoch, complete: true, readings: [], rejected: [] };
    onBegan(books.record(keeper, SSH, report));
  }

  async #watch(): Promise<void> {
    try {
      this.#events ??= await this.#options.tables.watch(LOGINS.name, {
        onDepleted: (quota) => {
          const number = numberOfQuota(quota);
          if (number !== undefined)
            void this.#depleted(number).catch((error: unknown) => this.#failed(error));
        },
        onRulesGone: () => {
          void this.#comeBack().catch((error: unknown) => this.#failed(error));
        },
        onLost: () => undefined, // the look once a second finds what was missed
      });
    } catch (error) {
      this.#trouble = `the kernel's events cannot be heard (${reasonOf(error)}): limits show within a second instead of at once`;
    }
  }

  async #comeBack(): Promise<void> {
    if (!(await this.#table.intact())) await this.#rebuild();
  }

  /** Books what passed, and then either the limit is reached but for a packet, or the gate was behind the books. */
  async #depleted(number: number): Promise<void> {
    const login = this.#byNumber.get(number);
    if (!login || login.entry.verdict.kind === "deny") return;
    const at = this.#options.clock.unix();
    await this.#options.look();
    const verdict = verdictOf(login);
    const standing = this.#table.limitOf(number);
    if (verdict.kind === "deny" || standing === undefined || standing === SHUT) return;
    if (verdict.remaining === undefined || verdict.remaining > LARGEST_PACKET) {
      await this.#table.reopen(number, this.#limitOf(login.entry, login.untouchable));
    } else {
      this.#options.onDepleted(login, at);
    }
  }

  /** His connections are tracked on by their mark, and the number is never given again: they must not live on as his. */
  #forgetFlows(number: number): void {
    try {
      this.#options.conntrack?.forgetMarked(marksOf(number, SERVICE_SSH).forward, ACCOUNT_MASK);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#trouble = `the kernel refused a change: ${reasonOf(error)}`;
  }
}

/** Asked anew after a wait, in which it may have changed. */
function verdictOf({ entry }: MeteredLogin): Verdict {
  return entry.verdict;
}

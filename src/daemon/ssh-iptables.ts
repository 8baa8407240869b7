/**
 * SSH logins metered by per-user chains of iptables: where scripts made them
 * already, or nft is missing. There is no gate at the byte here: a read costs
 * two processes, so a limit shows up to a quarter of a second late.
 */
import { marksOf, SERVICE_SSH } from "../kernel/account-marks.ts";
import { claimByRules, releaseByRules } from "../kernel/cgroup-rules.ts";
import type { Cgroup } from "../kernel/cgroups.ts";
import type { Conntrack } from "../kernel/conntrack.ts";
import type { Iptables } from "../kernel/iptables.ts";
import { bootId } from "../kernel/process.ts";
import type { Endpoint } from "../kernel/sockets.ts";
import type { UserName } from "../names.ts";
import { IptablesChains } from "../sources/ssh/iptables-chains.ts";
import { IptablesSource } from "../sources/ssh/iptables-source.ts";
import type { MeteredLogin, SshBackend } from "./ssh-backend.ts";
import type { BackendOptions } from "./ssh-backends.ts";

/** Milliseconds: 1 % of a core at 4 ms a read would be twice as long, a limit twice as late. */
const SHORTEST_PERIOD = 250;

export class SshIptables implements SshBackend {
  readonly source: IptablesSource;
  readonly shortestPeriod = SHORTEST_PERIOD;
  readonly gated = false;
  readonly #iptables: Iptables;
  readonly #chains: IptablesChains;
  readonly #conntrack: Conntrack | undefined;
  /** Sessions' cgroups with rules of their own, by name, and whose they are. */
  readonly #claimed = new Map<string, number>();
  #logins: ReadonlyMap<UserName, MeteredLogin> = new Map();

  constructor(
    options: BackendOptions & { readonly iptables: Iptables; readonly conntrack: Conntrack | undefined },
  ) {
    const boot = bootId();
    this.#iptables = options.iptables;
    this.#conntrack = options.conntrack;
    this.#chains = new IptablesChains({
      iptables: options.iptables,
      bootId: boot,
      adopt: !options.books.keepers.has(options.keeper),
      now: () => options.clock.unix(),
      onRestored: options.onRestored,
    });
    this.source = new IptablesSource({ name: options.keeper, chains: this.#chains, bootId: boot });
  }

  async set(logins: ReadonlyMap<UserName, MeteredLogin>): Promise<void> {
    this.#logins = logins;
    this.source.setAccounts(
      new Map(
        [...logins.values()].map(({ login, user, number }) => [
          login.uid,
          { user, mark: marksOf(number, SERVICE_SSH).forward },
        ]),
      ),
    );
    await this.#chains.look();
  }

  /** There is no quota to move. */
  arm(): void {
    // A limit is found by reading.
  }

  async shut(user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (login) await this.#chains.shut(login.login.uid);
  }

  async open(user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (login) await this.#chains.open(login.login.uid);
  }

  isShut(user: UserName): boolean {
    const login = this.#logins.get(user);
    return login !== undefined && this.#chains.shutUids().has(login.login.uid);
  }

  /** Each read puts right what is not as it should be. */
  async upkeep(): Promise<void> {
    // Nothing is left to do in between.
  }

  async claimCgroup(cgroup: Cgroup, user: UserName): Promise<void> {
    const login = this.#logins.get(user);
    if (!login) return;
    await claimByRules(cgroup.path, marksOf(login.number, SERVICE_SSH));
    this.#claimed.set(cgroup.name, login.number);
  }

  async releaseCgroup(cgroup: Cgroup): Promise<void> {
    const number = this.#claimed.get(cgroup.name);
    if (number === undefined) return;
    await releaseByRules(cgroup.path, marksOf(number, SERVICE_SSH));
    this.#claimed.delete(cgroup.name);
  }

  claimFlow(local: Endpoint, remote: Endpoint, mark: number): boolean {
    const outcome = this.#conntrack?.markFlow(local, remote, mark);
    return outcome === "marked" || outcome === "taken";
  }

  notes(): readonly string[] {
    const { variant, whyNoIPv6 } = this.#iptables;
    return [
      `counted by iptables (${variant}), read at most every ${SHORTEST_PERIOD} ms: a limit is overshot by what passes until then; backend "nftables" stops at the byte`,
      ...(whyNoIPv6 === undefined ? [] : [`IPv6 is not counted: ${whyNoIPv6}`]),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Rules and gates stay: a stopped Sluice frees nobody.
    this.#conntrack?.[Symbol.dispose]();
  }
}

/**
 * The logins' chains as they live in the kernel: brought to what is wanted at each look, then read.
 *
 * Whatever was flushed, zeroed or restored is put back within one look, and a
 * reading only grows. What passed between the last look before a flush and the
 * first one after it is lost: nobody has counted it.
 *
 * Longer than most: looks, gates and removal share one queue and what is known
 * of each login. What they decide is decided in the pure files beside it.
 */

import type { Family, Iptables } from "../../kernel/iptables.ts";
import type { FilterTable } from "../../kernel/iptables-save.ts";
import type { UnixTime } from "../../units.ts";
import { changesTo } from "./iptables-plan.ts";
import { removalOf } from "./iptables-removal.ts";
import { countedIn, gatesOf, jumpsStand, USER_CHAINS, ZERO } from "./iptables-rules.ts";
import { foundShut, type Known, startsOf, type Tables } from "./iptables-starts.ts";

export interface ChainsOptions {
  readonly iptables: Iptables;
  /** The boot these counters belong to: a UUID. */
  readonly bootId: string;
  /**
   * True on the keeper's first look ever: what scripts counted before is then
   * the beginning. Later it may have been booked already, by another backend.
   */
  readonly adopt: boolean;
  readonly now: () => UnixTime;
  /** Rules of ours were gone or set back, and stand again. */
  readonly onRestored: () => void;
}

/** One look: bytes by the account's mark, IPv4 and IPv6 together. */
export interface ChainsLook {
  readonly askedAt: UnixTime;
  readonly counted: ReadonlyMap<number, { readonly uplink: number; readonly downlink: number }>;
}

interface Login {
  readonly uid: number;
  readonly mark: number;
  /** Undefined for a gate nobody has moved yet: it stays as it is found. */
  shut: boolean | undefined;
  /** Undefined until the first look. */
  known: Known | undefined;
}

/** A login and the state its gate shall have at the end of a look, whatever is asked for meanwhile. */
interface Gated {
  readonly login: Login;
  readonly shut: boolean;
}

export class IptablesChains {
  readonly #options: ChainsOptions;
  readonly #boot: string;
  /** By uid; undefined until somebody said which logins there are: without that, all chains would be orphans. */
  #logins: Map<number, Login> | undefined;
  #adopt: boolean;
  #shutUids: ReadonlySet<number> = new Set();
  /** Looks and removals follow each other. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Promise<ChainsLook> | undefined;

  constructor(options: ChainsOptions) {
    this.#options = options;
    this.#boot = options.bootId.slice(0, 8);
    this.#adopt = options.adopt;
  }

  /**
   * Says which logins there are, by uid; the next look makes their chains and
   * takes away those of all others. A login that keeps its mark and gets another
   * uid goes on where it stood; a uid with another mark begins at zero.
   */
  setAccounts(marks: ReadonlyMap<number, number>): void {
    const before = new Map([...(this.#logins?.values() ?? [])].map((login) => [login.mark, login]));
    this.#logins = new Map(
      [...marks].map(([uid, mark]) => {
        const { shut, known } = before.get(mark) ?? {};
        return [uid, { uid, mark, shut, known }];
      }),
    );
  }

  /**
   * Puts right what is not as it should be, and reads. Calls that come while one waits share it.
   *
   * @throws {Error} when iptables fails, or rules do not stay as they were set.
   */
  look(): Promise<ChainsLook> {
    this.#waiting ??= this.#inTurn(() => {
      this.#waiting = undefined;
      return this.#look();
    });
    return this.#waiting;
  }

  /** Drops all packets of the login from now on. @throws {Error} when iptables fails or nobody has that uid. */
  async shut(uid: number): Promise<void> {
    this.#login(uid).shut = true;
    await this.look();
  }

  /** @throws {Error} when iptables fails or nobody has that uid. */
  async open(uid: number): Promise<void> {
    this.#login(uid).shut = false;
    await this.look();
  }

  /** The uids whose gates stood at the last look, in every chain. */
  shutUids(): ReadonlySet<number> {
    return this.#shutUids;
  }

  /** Takes everything of ours away and leaves the scripts' chains. Nothing is metered until accounts are set again. */
  removeAll(): Promise<void> {
    return this.#inTurn(async () => {
      this.#logins = undefined;
      this.#shutUids = new Set();
      await this.#change(await this.#read(), removalOf);
    });
  }

  async #look(): Promise<ChainsLook> {
    if (!this.#logins) throw new Error("no accounts were set");
    let askedAt = this.#options.now();
    let tables = await this.#read();
    const logins = [...this.#logins.values()];
    const gated = logins.map((login) => {
      login.shut ??= foundShut(tables, login.uid, login.mark);
      return { login, shut: login.shut };
    });
    const restored = this.#areGone(tables, logins);
    if ((await this.#bring(tables, gated)) !== undefined) {
      askedAt = this.#options.now();
      tables = await this.#read();
      const left = await this.#bring(tables, gated);
      if (left !== undefined) {
        throw new Error(
          `rules do not stay as they are set, is another program changing them? "${left}" was to be done again`,
        );
      }
    }
    this.#adopt = false;
    const counted = this.#remember(tables, logins);
    if (restored) this.#options.onRestored();
    return { askedAt, counted };
  }

  #areGone(tables: Tables, logins: readonly Login[]): boolean {
    const known = logins.filter((login) => login.known !== undefined);
    if (known.length === 0) return false;
    const flushed = [...tables.values()].some((table) => !jumpsStand(table));
    return flushed || known.some((login) => this.#startsOf(tables, login).size > 0);
  }

  /** @returns a line that had to be carried out, undefined if all stands as it should. */
  #bring(tables: Tables, gated: readonly Gated[]): Promise<string | undefined> {
    const wanted = gated.map(({ login, shut }) => {
      const starts = this.#startsOf(tables, login);
      login.known ??= starts; // should the change fail half-way, it is made again from here
      return { uid: login.uid, mark: login.mark, shut, starts };
    });
    return this.#change(tables, (table, family) =>
      changesTo(
        table,
        wanted.map(({ starts, ...each }) => ({ ...each, start: starts.get(family) })),
        this.#boot,
      ),
    );
  }

  #startsOf(tables: Tables, { uid, mark, known }: Login): Known {
    return startsOf(tables, uid, { mark, boot: this.#boot }, known, this.#adopt);
  }

  #remember(tables: Tables, logins: readonly Login[]): ChainsLook["counted"] {
    const counted = new Map<number, { uplink: number; downlink: number }>();
    const shut = new Set<number>();
    for (const login of logins) {
      const now = new Map(
        [...tables].map(([family, table]) => [family, countedIn(table, login.uid) ?? ZERO]),
      );
      const sum = { uplink: 0, downlink: 0 };
      for (const { uplink, downlink, localDownlink } of now.values()) {
        sum.uplink += uplink;
        sum.downlink += downlink + localDownlink;
      }
      login.known = now;
      counted.set(login.mark, sum);
      const gates = [...tables.values()].map((table) => gatesOf(table, login.uid));
      if (gates.every((count) => count === USER_CHAINS.length)) shut.add(login.uid);
    }
    this.#shutUids = shut;
    return counted;
  }

  async #read(): Promise<Tables> {
    const { iptables } = this.#options;
    const read = iptables.families.map(async (family) => [family, await iptables.read(family)] as const);
    return new Map(await Promise.all(read));
  }

  /** @returns a line that had to be carried out. */
  async #change(
    tables: Tables,
    linesFor: (table: FilterTable, family: Family) => string[],
  ): Promise<string | undefined> {
    const due = [...tables].map(([family, table]) => ({ family, lines: linesFor(table, family) }));
    const changes = due.filter(({ lines }) => lines.length > 0);
    await Promise.all(changes.map(({ family, lines }) => this.#options.iptables.change(family, lines)));
    return changes[0]?.lines[0];
  }

  #login(uid: number): Login {
    const login = this.#logins?.get(uid);
    if (!login) throw new Error(`Cannot move the gate of uid ${uid}: no account has it`);
    return login;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work, work);
    this.#last = result;
    return result;
  }
}

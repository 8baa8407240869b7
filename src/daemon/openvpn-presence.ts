/**
 * Who is logged in at one OpenVPN server, as of the last look, and what the
 * books have of those who were.
 */
import type { OpenvpnLoginRow } from "../control/rows.ts";
import type { CounterName, KeeperName, UserName } from "../names.ts";
import { loginOfCounter, type VpnLogin } from "../sources/openvpn/login.ts";
import type { SeenLogin } from "../sources/openvpn/login-readings.ts";
import type { Traffic, UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { Whereabouts } from "./openvpn-gates.ts";
import { shortNameOf } from "./openvpn-notes.ts";
import { OPENVPN } from "./openvpn-view.ts";

/** A login that ended so long ago is in no status any more. */
const KEPT_MS = 24 * 3_600_000;
/** As many of one account's logins are kept that have ended. */
const KEPT_LOGINS = 50;

export class OpenvpnPresence {
  readonly #keeper: KeeperName;
  readonly #books: Books;
  #here: Present = new Map();
  #counters: ReadonlySet<CounterName> = new Set();
  #byUser: ReadonlyMap<UserName, readonly VpnLogin[]> = new Map();
  #places: readonly Whereabouts[] = [];

  constructor(keeper: KeeperName, books: Books) {
    this.#keeper = keeper;
    this.#books = books;
  }

  get size(): number {
    return this.#here.size;
  }

  /** Takes in a look. @returns the logins that are new to it, or have moved. */
  look(seen: readonly SeenLogin[]): readonly SeenLogin[] {
    const before = this.#here;
    this.#here = new Map(
      seen.map(({ login }) => [login, this.#present(before.get(login)) ?? this.#met(login)]),
    );
    this.#counters = new Set(seen.map(({ counter }) => counter));
    this.#byUser = Map.groupBy(this.#here.keys(), ({ user }) => user);
    if (!isSamePlace(before, this.#here)) this.#places = placesOf(this.#here);
    return seen.filter(({ login }) => !before.has(login)); // a row that has not changed is the same object
  }

  loginsOf(user: UserName): readonly VpnLogin[] {
    return this.#byUser.get(user) ?? [];
  }

  has(entry: Entry): boolean {
    return entry.users.values().some((user) => this.#byUser.has(user));
  }

  /** Whether he has, or had of late, a login here. */
  knows(entry: Entry): boolean {
    return this.has(entry) || entry.counters.keys().some((counter) => this.#isOurs(counter));
  }

  /** Logins of those who are denied. */
  *denied(): Iterable<VpnLogin> {
    for (const [login, entry] of this.#here) if (entry?.verdict.kind === "deny") yield login;
  }

  /** Where everybody is; an address belongs to who got it last. The same list as long as nobody comes, goes or moves. */
  get places(): readonly Whereabouts[] {
    return this.#places;
  }

  rows(): readonly OpenvpnLoginRow[] {
    const server = shortNameOf({ name: this.#keeper });
    return [...this.#here].map(([login, entry]) => ({
      server,
      user: login.user,
      commonName: login.commonName,
      clientId: login.clientId ?? -1,
      realAddress: login.realAddress,
      addresses: login.addresses,
      subnets: login.subnets,
      sinceMs: login.since * 1000,
      uplinkBytes: login.traffic.uplink,
      downlinkBytes: login.traffic.downlink,
      denied: entry?.verdict.kind === "deny",
    }));
  }

  entryOf(user: UserName): Entry | undefined {
    return this.#books.accounts.get(this.#books.accountNameOf(user));
  }

  /** Everybody with an account, here or elsewhere. */
  *users(): Iterable<UserName> {
    for (const { users } of this.#books.accounts.values()) yield* users;
  }

  /** Counters of this server that the books have of a user. */
  countersOf(user: UserName): { readonly counter: CounterName; readonly traffic: Traffic }[] {
    return [...(this.entryOf(user)?.counters ?? [])].flatMap(([counter, { baseline }]) =>
      this.#isOurs(counter) ? [{ counter, traffic: baseline }] : [],
    );
  }

  /** Counters of logins that are long over leave the books. */
  prune(now: UnixTime): void {
    const old = now - KEPT_MS;
    for (const entry of this.#books.accounts.values()) {
      const ended = [...entry.counters]
        .filter(([counter]) => this.#isOurs(counter) && !this.#counters.has(counter))
        .toSorted(([, left], [, right]) => right.readAt - left.readAt);
      const over = ended.filter(([, { readAt }], at) => readAt < old || at >= KEPT_LOGINS);
      this.#books.dropCounters(
        entry,
        over.map(([counter]) => counter),
      );
    }
    this.#books.dropRetired(this.#keeper, (counter) => {
      const login = loginOfCounter(this.#keeper, counter);
      return login !== undefined && !this.#counters.has(counter) && login.since * 1000 < old;
    });
  }

  /** He gets an account, so that he can be shown and limited before his first byte. */
  #met({ user }: VpnLogin): Entry | undefined {
    return this.#books.know(user, OPENVPN);
  }

  /** Undefined for one that was deleted meanwhile. */
  #present(entry: Entry | undefined): Entry | undefined {
    return entry && this.#books.accounts.get(entry.standing.name) === entry ? entry : undefined;
  }

  #isOurs(counter: CounterName): boolean {
    return counter.startsWith(`${this.#keeper}:`);
  }
}

type Present = ReadonlyMap<VpnLogin, Entry | undefined>;

/** A login whose bytes alone have changed keeps the lists of its addresses. */
function isSamePlace(before: Present, now: Present): boolean {
  if (before.size !== now.size) return false;
  const others = before.entries();
  for (const [login, entry] of now) {
    const [other, itsEntry] = others.next().value ?? [];
    if (other?.addresses !== login.addresses || other.subnets !== login.subnets || itsEntry !== entry)
      return false;
  }
  return true;
}

function placesOf(present: Present): Whereabouts[] {
  return [...present]
    .toSorted(([left], [right]) => right.since - left.since)
    .flatMap(([{ addresses, subnets }, entry]) =>
      entry ? [{ entry, addresses: [...addresses, ...subnets] }] : [],
    );
}

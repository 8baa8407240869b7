/**
 * The counters of one server's logins: what changed, what ended, and what the
 * hooks said last.
 *
 * A login's counter grows as long as it lasts, and its last figures come twice:
 * the status shows them up to the last look, a hook tells the rest once. Both say
 * "at least so much has passed", so the reading is the higher one of each
 * direction, and nothing is ever added on top of anything.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import { type CounterName, counterName, type KeeperName, type UserName, userName } from "../../names.ts";
import {
  type Bytes,
  type MonotonicTime,
  NO_TRAFFIC,
  type Traffic,
  type UnixTime,
  unixTime,
} from "../../units.ts";
import type { CounterReading, SourceReport } from "../source.ts";
import type { FinalFigures } from "./final-figures.ts";
import { type Candidate, implausible, matchOf } from "./final-matching.ts";
import { counterOfLogin, EVERY_LOGIN, loginOfCounter, type ServerLook, type VpnLogin } from "./login.ts";

export interface SeenLogin {
  readonly login: VpnLogin;
  readonly counter: CounterName;
}

export interface EndedLogin extends SeenLogin {
  /** All that passed, as far as is known. */
  readonly traffic: Traffic;
  readonly endedAt: UnixTime;
  /** The figures are the server's own last ones. */
  readonly exact: boolean;
}

/** What became of a hook's figures. */
export type FinalOutcome =
  | { readonly kind: "booked"; readonly counter: CounterName }
  | { readonly kind: "refused"; readonly why: string };

/** Told in the middle of reading: what is told of is in the report that the read answers with. */
export interface LoginEvents {
  /** A look at the server. `seen` holds until the next one. */
  onLook?(look: ServerLook, seen: readonly SeenLogin[], askedAt: UnixTime): void;
  onEnded?(ended: readonly EndedLogin[]): void;
  /** Its file may go once the report is saved. */
  onFinal?(final: FinalFigures, outcome: FinalOutcome): void;
}

export interface LoginReadingsOptions {
  readonly keeper: KeeperName;
  readonly usersBy: "common-name" | "username";
  /** The counters that the books have of a user: of logins from before a restart too. */
  readonly knownCounters: (
    user: UserName,
  ) => Iterable<{ readonly counter: CounterName; readonly traffic: Traffic }>;
  /** Bytes per millisecond that the host can move, both directions together. */
  readonly lineRate: number;
  /** True where each status is of this moment: a lower figure then is a new count. Files may be older than a hook's word. */
  readonly live: boolean;
  readonly events: LoginEvents;
}

/** When a look was made, on both clocks. */
export interface Moment {
  readonly askedAt: UnixTime;
  readonly now: MonotonicTime;
}

interface Tracked {
  readonly counter: CounterName;
  login: VpnLogin;
  /** What has passed. */
  traffic: Traffic;
  /** Figures that no later row can take back. */
  floor: Traffic;
  reported: Traffic | undefined;
  /** The hook's figures are in. */
  settled: boolean;
  /** The look that it was in last. */
  look: number;
  /** Since when it is gone from the status. */
  gone: Moment | undefined;
  /** By the hook's figures. */
  endedAt: UnixTime;
  /** Its end was told. */
  told: boolean;
}

interface FinalCandidate extends Candidate {
  readonly counter: CounterName;
  /** Undefined for a counter that only the books know. */
  readonly tracked: Tracked | undefined;
}

/** A hook's word of a login that is gone from the status comes within this, or much later. */
const GRACE_MS = 2_000;
/** Of logins that are over, so many are remembered. */
const MOST_OVER = 10_000;

export class LoginReadings {
  readonly #options: LoginReadingsOptions;
  readonly #tracked = new Map<CounterName, Tracked>();
  /** Those of the last look, by its own objects. */
  #seen = new Map<VpnLogin, Tracked>();
  /** The same by client ID: to spell a thousand counters' names would take longer than all else. */
  #seenById = new Map<number, Tracked>();
  #look = 0;
  readonly #finals: FinalFigures[] = [];
  /** Counters that have had their last figures, and from where: another login's of the same second are not theirs. */
  readonly #over = new Map<CounterName, string>();

  constructor(options: LoginReadingsOptions) {
    this.#options = options;
  }

  /** How many of the hooks' figures wait. A look asked for from now on is later than they are. */
  get waiting(): number {
    return this.#finals.length;
  }

  takeFinals(finals: readonly FinalFigures[]): void {
    this.#finals.push(...finals);
  }

  /**
   * The report of one look.
   *
   * @param finals how many of the hooks' figures were there when it was asked for: their logins are in it, or have ended.
   */
  take(look: ServerLook, moment: Moment, finals: number): SourceReport {
    const { keeper, events } = this.#options;
    this.#look += 1;
    const seen = new Map<VpnLogin, Tracked>();
    const seenById = new Map<number, Tracked>();
    for (const login of look.logins) {
      const tracked = this.#update(login, look);
      seen.set(login, tracked);
      if (login.clientId !== undefined) seenById.set(login.clientId, tracked);
    }
    this.#seen = seen;
    this.#seenById = seenById;
    for (const [counter, tracked] of this.#tracked) {
      if (tracked.look === this.#look) continue;
      if (tracked.told && tracked.reported) this.#forgetEnded(counter, tracked); // booked: nobody asked for it again
      tracked.gone ??= moment;
    }
    this.#settle(this.#finals.splice(0, finals), moment, !this.#options.live);
    events.onLook?.(look, [...seen.values()], moment.askedAt);
    this.#tellEnded(moment);
    return {
      askedAt: moment.askedAt,
      epoch: EVERY_LOGIN,
      complete: true,
      readings: this.#moved(),
      rejected: look.rejected.map(({ name, why }) => ({
        counter: counterName(keeper, name as UserName),
        why,
      })),
    };
  }

  /** What is known and not reported, while no look can be had: a server that ended has told its hooks. */
  pending(moment: Moment): SourceReport | undefined {
    for (const tracked of this.#settle(this.#finals.splice(0), moment, true)) tracked.gone ??= moment;
    this.#tellEnded(moment);
    const readings = this.#moved();
    if (readings.length === 0) return undefined;
    return { askedAt: moment.askedAt, epoch: EVERY_LOGIN, complete: false, readings, rejected: [] };
  }

  /** The next report has all counters again. */
  forget(): void {
    for (const tracked of this.#tracked.values()) tracked.reported = undefined;
  }

  #forgetEnded(counter: CounterName, { settled, login }: Tracked): void {
    this.#tracked.delete(counter);
    if (!settled) return;
    this.#over.set(counter, login.realAddress);
    const [oldest] = this.#over.keys();
    if (oldest !== undefined && this.#over.size > MOST_OVER) this.#over.delete(oldest);
  }

  #update(login: VpnLogin, look: ServerLook): Tracked {
    const tracked = this.#seen.get(login) ?? this.#trackedOf(login, look);
    tracked.look = this.#look;
    tracked.gone = undefined;
    tracked.told = false;
    if (tracked.login !== login || tracked.reported === undefined) {
      tracked.login = login;
      tracked.traffic = higher(tracked.floor, login.traffic);
      // Who goes on has not ended, whatever a hook said.
      tracked.settled &&= isBelow(tracked.traffic, tracked.floor);
      if (!this.#options.live) tracked.floor = tracked.traffic;
    }
    return tracked;
  }

  #trackedOf(login: VpnLogin, look: ServerLook): Tracked {
    const { keeper } = this.#options;
    const last = login.clientId === undefined ? undefined : this.#seenById.get(login.clientId);
    if (last?.login.user === login.user && last.login.since === login.since) return last;
    const exact = counterOfLogin(keeper, login);
    const counter = login.clientId === undefined ? (this.#floated(login, exact, look) ?? exact) : exact;
    return this.#tracked.get(counter) ?? this.#track(counter, login);
  }

  #track(counter: CounterName, login: VpnLogin): Tracked {
    let floor = NO_TRAFFIC;
    for (const known of this.#options.knownCounters(login.user)) {
      if (known.counter === counter) floor = known.traffic;
    }
    const tracked: Tracked = {
      counter,
      login,
      traffic: floor,
      floor,
      reported: undefined,
      settled: false,
      look: 0,
      gone: undefined,
      endedAt: unixTime(0),
      told: false,
    };
    this.#tracked.set(counter, tracked);
    return tracked;
  }

  /**
   * A login without a client ID that goes on from another address: the counter it had before.
   *
   * @param exact what it would be called by its own address.
   */
  #floated(login: VpnLogin, exact: CounterName, look: ServerLook): CounterName | undefined {
    const { keeper, knownCounters } = this.#options;
    if (this.#tracked.has(exact)) return exact;
    const known = [...knownCounters(login.user)];
    if (known.some(({ counter }) => counter === exact)) return exact;
    const taken = new Set(
      look.logins.flatMap((other) => {
        const own = this.#seen.get(other)?.counter;
        return own === undefined ? [counterOfLogin(keeper, other)] : [own, counterOfLogin(keeper, other)];
      }),
    );
    const before = [
      ...known,
      ...[...this.#tracked.values()].filter(({ login: { user } }) => user === login.user),
    ].filter(({ counter, traffic }) => {
      const named = loginOfCounter(keeper, counter);
      return named?.since === login.since && !taken.has(counter) && isBelow(traffic, login.traffic);
    });
    return before.toSorted((left, right) => total(right.traffic) - total(left.traffic))[0]?.counter;
  }

  /** @param standing as `matchOf()` has it. */
  #settle(finals: readonly FinalFigures[], moment: Moment, standing: boolean): Tracked[] {
    if (finals.length === 0) return [];
    const byUser = Map.groupBy(this.#tracked.values(), ({ login }) => login.user);
    return finals.flatMap((final) => {
      try {
        const tracked = this.#settleOne(final, byUser, moment, standing);
        this.#options.events.onFinal?.(final, { kind: "booked", counter: tracked.counter });
        return [tracked];
      } catch (error) {
        this.#options.events.onFinal?.(final, { kind: "refused", why: reasonOf(error) });
        return [];
      }
    });
  }

  /** @throws {Error} with the reason for which the figures cannot be used. */
  #settleOne(
    final: FinalFigures,
    byUser: Map<UserName, Tracked[]>,
    moment: Moment,
    standing: boolean,
  ): Tracked {
    const { lineRate } = this.#options;
    const user = this.#userOf(final);
    const own = byUser.get(user) ?? [];
    const match = matchOf(final, [...candidatesIn(own, final), ...this.#bookedOf(final, user)], standing);
    const why = implausible(final, match?.traffic, lineRate);
    if (why !== undefined) throw new RangeError(why);
    const tracked = match?.tracked ?? this.#ofFinal(final, user, match?.counter, moment);
    if (!match?.tracked) byUser.set(user, [...own, tracked]);
    tracked.floor = higher(tracked.traffic, final.traffic);
    tracked.traffic = tracked.floor;
    tracked.settled = true;
    tracked.endedAt = unixTime((final.since + final.duration) * 1000);
    return tracked;
  }

  /** Counters in the books of logins from before Sluice started, or from long ago. */
  #bookedOf(final: FinalFigures, user: UserName): FinalCandidate[] {
    const { keeper, knownCounters } = this.#options;
    return [...knownCounters(user)].flatMap(({ counter, traffic }) => {
      const named = loginOfCounter(keeper, counter);
      const same = named?.user === user && named.since === final.since;
      if (!named || !same || this.#tracked.has(counter)) return [];
      const ofHook = named.tail.startsWith(FINAL);
      const realAddress = ofHook ? named.tail.slice(FINAL.length) : (this.#over.get(counter) ?? named.tail);
      const settled = ofHook || this.#over.has(counter);
      return [{ tracked: undefined, counter, traffic, realAddress, gone: true, settled }];
    });
  }

  /** A login that no look has shown, or none since the start. */
  #ofFinal(final: FinalFigures, user: UserName, counter: CounterName | undefined, moment: Moment): Tracked {
    const { commonName, signedInAs, since, realAddress, addresses, traffic } = final;
    const login: VpnLogin = {
      ...{ user, commonName, signedInAs, clientId: undefined, since },
      ...{ realAddress, addresses, subnets: [], traffic },
    };
    const name =
      counter ?? counterOfLogin(this.#options.keeper, { ...login, realAddress: FINAL + realAddress });
    const tracked = this.#track(name, login);
    tracked.gone = moment;
    return tracked;
  }

  /** @throws {RangeError} for a name that cannot be a user's. */
  #userOf({ commonName, signedInAs }: FinalFigures): UserName {
    const byUsername = this.#options.usersBy === "username" || commonName === "" || commonName === "UNDEF";
    return userName((byUsername ? signedInAs : undefined) ?? commonName);
  }

  #tellEnded(moment: Moment): void {
    const ended: EndedLogin[] = [];
    for (const tracked of this.#tracked.values()) {
      const { counter, login, traffic, gone, settled, told } = tracked;
      if (!gone || told || (!settled && moment.now - gone.now < GRACE_MS)) continue;
      tracked.told = true;
      ended.push({
        counter,
        login,
        traffic,
        endedAt: settled ? tracked.endedAt : gone.askedAt,
        exact: settled,
      });
    }
    if (ended.length > 0) this.#options.events.onEnded?.(ended);
  }

  #moved(): CounterReading[] {
    const readings: CounterReading[] = [];
    for (const tracked of this.#tracked.values()) {
      const { counter, login, traffic, reported } = tracked;
      if (reported?.uplink === traffic.uplink && reported.downlink === traffic.downlink) continue;
      tracked.reported = traffic;
      readings.push({ user: login.user, counter, epoch: EVERY_LOGIN, traffic });
    }
    return readings;
  }
}

function candidatesIn(tracked: readonly Tracked[], { since }: FinalFigures): FinalCandidate[] {
  return tracked.flatMap((one) => {
    const { counter, login, traffic, gone, settled } = one;
    if (login.since !== since) return [];
    const { realAddress } = login;
    return [{ tracked: one, counter, traffic, realAddress, gone: gone !== undefined, settled }];
  });
}

/** What stands in a counter's name where a client ID would, if nobody knows it. */
const FINAL = "final:";

function higher(left: Traffic, right: Traffic): Traffic {
  return {
    uplink: Math.max(left.uplink, right.uplink) as Bytes,
    downlink: Math.max(left.downlink, right.downlink) as Bytes,
  };
}

function isBelow(low: Traffic, high: Traffic): boolean {
  return low.uplink <= high.uplink && low.downlink <= high.downlink;
}

function total({ uplink, downlink }: Traffic): number {
  return uplink + downlink;
}

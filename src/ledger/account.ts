/**
 * One account: a person's limits, usage, and the counters it is made from,
 * over all the services that know the name.
 *
 * Pure: types only.
 */
import type { CounterName, UserName } from "../names.ts";
import type { PeriodRule } from "../rules.ts";
import type { Bytes, LocalDate, UnixTime } from "../units.ts";
import type { CounterState } from "./counters.ts";
import type { Usage } from "./usage.ts";

/** In counted bytes; 0 is unlimited. */
export interface Limits {
  readonly daily: Bytes;
  readonly total: Bytes;
}

/**
 * What enforcement took away and must be able to put back. Secrets: the
 * account files that hold these are readable by root and the group alone.
 */
export type HeldAccess =
  /** Removed from a running engine: its own message for the user, base64 of protocol.User. */
  | {
      readonly kind: "removed";
      readonly keeper: string;
      readonly user: UserName;
      readonly inbound: string;
      readonly message: string;
    }
  /** Made useless in config.json: the value that stood there and the random one that does now. */
  | {
      readonly kind: "neutralised";
      readonly keeper: string;
      readonly user: UserName;
      readonly inbound: {
        readonly index: number;
        readonly tag: string | undefined;
        readonly protocol: string;
      };
      readonly field: string;
      readonly original: string;
      readonly ours: string;
    };

/** The parts that change by decisions of people and policy, not by traffic. */
export interface Standing {
  readonly name: UserName;
  readonly limits: Limits;
  readonly period: PeriodRule;
  /** The day the period rule was set; rolling periods count from it. */
  readonly periodAnchor: LocalDate;
  readonly services: readonly string[];
  readonly disabled: boolean;
  readonly held: readonly HeldAccess[];
}

export interface Account extends Standing {
  readonly usage: Usage;
  readonly counters: ReadonlyMap<CounterName, CounterState>;
  /** Grows with every saved change, so that of two saved states the later is known. */
  readonly sequence: number;
  readonly updatedAt: UnixTime;
  /** Keys of the account file that are not ours, kept as they were. */
  readonly foreign: Readonly<Record<string, unknown>>;
}

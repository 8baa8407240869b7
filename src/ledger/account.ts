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
    }
  /** His way out was shut: a gate in the kernel, or an engine's rule that swallows his traffic. */
  | { readonly kind: "gate"; readonly keeper: string; readonly user: UserName }
  /** His login was locked: what its password and expiry said before. */
  | {
      readonly kind: "locked";
      readonly keeper: string;
      readonly user: UserName;
      readonly wasLocked: boolean;
      /** As /etc/shadow has it: days since 1970, "" for never. */
      readonly expire: string;
    };

/** The parts that change by decisions of people and policy, not by traffic. */
export interface Standing {
  readonly name: UserName;
  readonly limits: Limits;
  readonly period: PeriodRule;
  /** The day the period rule was set; rolling periods count from it. */
  readonly periodAnchor: LocalDate;
  readonly services: readonly string[];
  /** Services that may be ended for good at the total limit: those he had when his limit was set. */
  readonly enrolled: readonly string[];
  readonly disabled: boolean;
  readonly held: readonly HeldAccess[];
  /** Names the account's marks and objects in the kernel; 0 until it has any. */
  readonly kernelNumber: number;
  /**
   * The limit at which the kernel's gate was used up. The packet that would
   * have crossed it was dropped whole, so usage stays just below the limit;
   * holds until a new limit, a reset or a turn.
   */
  readonly depleted: "total" | "daily" | undefined;
  /** Booked traffic was seen to carry usage over a total limit already in force. */
  readonly crossing: Crossing | undefined;
  /** The deletion of his login that has begun and must be finished. */
  readonly removal: Removal | undefined;
  /** What the old scripts' files said when they were imported; undefined if they never were. */
  readonly imported: Imported | undefined;
}

/** Kept so that a row of theirs is not taken twice, whatever was ordered here since. */
export interface Imported {
  /** The limit that was taken, in bytes; undefined if none was. */
  readonly total: Bytes | undefined;
  /** The usage that was taken, in bytes; undefined if none was. */
  readonly usage: Bytes | undefined;
  /** Whether they had him disabled. */
  readonly disabled: boolean;
}

export interface Crossing {
  readonly at: UnixTime;
  readonly used: Bytes;
  readonly limit: Bytes;
}

export interface Removal {
  /** Who or what ordered it. */
  readonly by: string;
  readonly began: UnixTime;
  /** Where everything about him is kept. */
  readonly archive: string;
  /** His line of /etc/passwd, by which he is known should the name be given away meanwhile. */
  readonly login: string;
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

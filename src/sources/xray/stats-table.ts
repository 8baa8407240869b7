/**
 * The user counters of one engine, decoded from QueryStats answers in place.
 *
 *   QueryStatsResponse = repeated stat(1): Stat                 facts: xray StatsService
 *   Stat               = name(1): string  value(2): int64       zero values are absent
 *   name               = "user>>>" EMAIL ">>>traffic>>>" ("uplink" | "downlink")
 *
 * Two thousand counters a tick must not become two thousand objects, so each
 * user has a slot in flat arrays and a name is found by a hash of its bytes; a
 * string is made once, when a slot is. An engine answers in random order, with
 * counters nobody asked for (sing-box ignores the pattern), and an e-mail may
 * itself hold `>>>`: names are taken apart by prefix and suffix only.
 *
 * Pure but for its own arrays: no clock, no I/O.
 */

import { reasonOf } from "../../errors.ts";
import { type UserName, userName } from "../../names.ts";

/** What one answer said, beside the values now in the table. */
export interface Decoded {
  /** User counters in the answer that could not be used, with the reason. */
  readonly rejected: readonly { readonly user: string; readonly why: string }[];
  /** How many known counters (directions) the answer carried. */
  readonly counters: number;
}

const encoder = new TextEncoder();
const PREFIX = encoder.encode("user>>>");
const UPLINK = encoder.encode(">>>traffic>>>uplink");
const DOWNLINK = encoder.encode(">>>traffic>>>downlink");
const NONE = -1;

export class StatsTable {
  /** Users by slot. */
  readonly users: UserName[] = [];
  /** Cumulative bytes by slot; NaN for a direction the engine has not named yet. */
  uplink = new Float64Array(64).fill(Number.NaN);
  downlink = new Float64Array(64).fill(Number.NaN);
  /** Directions known, over all slots. */
  counters = 0;

  #slotOf = new Int32Array(256).fill(NONE); // open addressing, power of two
  #names: Uint8Array[] = [];
  readonly #refused = new Set<string>();

  slotOfUser(user: UserName): number | undefined {
    const name = encoder.encode(user);
    const slot = this.#slotOf[this.#find(name, 0, name.length)] as number;
    return slot === NONE ? undefined : slot;
  }

  /**
   * Takes an answer in.
   *
   * @throws {SyntaxError} when the bytes are no QueryStatsResponse; values
   * decoded before the fault stay, they were true readings.
   */
  decode(answer: Uint8Array): Decoded {
    const rejected: { user: string; why: string }[] = [];
    let counters = 0;
    let at = 0;
    while (at < answer.length) {
      const tag = answer[at++] as number;
      let length = answer[at++] as number;
      if (length > 127) [length, at] = varint(answer, at - 1);
      if (tag !== 0x0a || at + length > answer.length) {
        throw new SyntaxError(
          `Cannot decode a QueryStats answer: expected a Stat at byte ${at}, got tag ${tag}, length ${length} of ${answer.length}`,
        );
      }
      const end = at + length;
      let nameStart = 0;
      let nameEnd = 0;
      let value = 0;
      while (at < end) {
        const field = answer[at++];
        if (field === 0x0a) {
          let size = answer[at++] as number;
          if (size > 127) [size, at] = varint(answer, at - 1);
          nameStart = at;
          nameEnd = at + size;
          at = nameEnd;
        } else if (field === 0x10) {
          [value, at] = varint(answer, at);
        } else {
          throw new SyntaxError(
            `Cannot decode a QueryStats answer: expected name or value at byte ${at}, got tag ${field}`,
          );
        }
      }
      if (at !== end)
        throw new SyntaxError(`Cannot decode a QueryStats answer: a Stat ends at byte ${at}, not ${end}`);
      const outcome = this.#take(answer, nameStart, nameEnd, value);
      if (typeof outcome === "object") rejected.push(outcome);
      else counters += outcome;
    }
    return { rejected, counters };
  }

  /** @returns 1 for a user counter, 0 for anything else, or why this counter cannot be used. */
  #take(
    answer: Uint8Array,
    start: number,
    end: number,
    value: number,
  ): number | { user: string; why: string } {
    if (!holds(answer, start, PREFIX)) return 0;
    const isUplink = holds(answer, end - UPLINK.length, UPLINK);
    if (!isUplink && !holds(answer, end - DOWNLINK.length, DOWNLINK)) return 0;
    const from = start + PREFIX.length;
    const to = end - (isUplink ? UPLINK.length : DOWNLINK.length);
    if (to <= from) return 0;

    const place = this.#find(answer, from, to);
    let slot = this.#slotOf[place] as number;
    if (slot === NONE) {
      const added = this.#add(answer.slice(from, to), place);
      if (typeof added === "object") return added;
      slot = added;
    }
    if (value > Number.MAX_SAFE_INTEGER || value < 0) {
      return {
        user: this.users[slot] as string,
        why: `expected a count from 0 to 2^53 - 1, got about ${value}`,
      };
    }
    const values = isUplink ? this.uplink : this.downlink;
    if (Number.isNaN(values[slot])) this.counters += 1;
    values[slot] = value;
    return 1;
  }

  /** @returns the new slot, or why the name cannot be used (once per name; later it is passed over). */
  #add(name: Uint8Array, place: number): number | { user: string; why: string } {
    let user: UserName;
    try {
      // A byte order mark is part of the name: without it two names could become one.
      user = userName(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name));
    } catch (error) {
      const shown = Buffer.from(name).toString("latin1");
      if (this.#refused.has(shown)) return 0;
      this.#refused.add(shown);
      return { user: shown, why: reasonOf(error) };
    }
    const slot = this.users.push(user) - 1;
    this.#names.push(name);
    this.#slotOf[place] = slot;
    if (this.users.length === this.uplink.length) {
      this.uplink = doubled(this.uplink);
      this.downlink = doubled(this.downlink);
    }
    if (this.users.length * 2 > this.#slotOf.length) this.#rehash();
    return slot;
  }

  /** The place in the hash table that holds this name, or the free one where it belongs. */
  #find(bytes: Uint8Array, from: number, to: number): number {
    let hash = 0x811c9dc5; // FNV-1a
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
    const mask = this.#slotOf.length - 1;
    let place = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const slot = this.#slotOf[place] as number;
      if (slot === NONE) return place;
      const name = this.#names[slot] as Uint8Array;
      if (name.length === to - from && holds(bytes, from, name)) return place;
      place = (place + 1) & mask;
    }
  }

  #rehash(): void {
    this.#slotOf = new Int32Array(this.#slotOf.length * 2).fill(NONE);
    for (const [slot, name] of this.#names.entries()) this.#slotOf[this.#find(name, 0, name.length)] = slot;
  }
}

/** Whether `wanted` stands in `bytes` at `start`. */
function holds(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  if (start < 0 || start + wanted.length > bytes.length) return false;
  for (let index = wanted.length - 1; index >= 0; index--) {
    if (bytes[start + index] !== wanted[index]) return false;
  }
  return true;
}

function doubled(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2).fill(Number.NaN);
  larger.set(values);
  return larger;
}

/**
 * A protobuf varint as a number; beyond 2^53 it is rounded, and a negative
 * int64 (ten bytes) comes out near 2^64, so the caller's range check refuses both.
 *
 * @throws {SyntaxError} when the bytes end inside it.
 */
function varint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
    scale *= 128;
  }
  throw new SyntaxError(`Cannot decode a QueryStats answer: the number at byte ${start} has no end`);
}

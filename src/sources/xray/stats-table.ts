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
 * Bytes are compared and hashed four at a time: this runs two thousand times a
 * tick, and the whole tick may cost little more than the call itself.
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
const NONE = -1;

/** Bytes to be recognised, with a view that reads them as words. */
interface Pattern {
  readonly length: number;
  readonly view: DataView;
}

const PREFIX = pattern("user>>>");
const UPLINK = pattern(">>>traffic>>>uplink");
const DOWNLINK = pattern(">>>traffic>>>downlink");

export class StatsTable {
  /** Users by slot. */
  readonly users: UserName[] = [];
  /** Cumulative bytes by slot; NaN for a direction the engine has not named yet. */
  uplink = new Float64Array(64).fill(Number.NaN);
  downlink = new Float64Array(64).fill(Number.NaN);
  /** Directions known, over all slots. */
  counters = 0;

  /** Slots by hash: open addressing, a power of two. */
  #slotOf = new Int32Array(256).fill(NONE);
  /** All names end to end, and where each slot's begins; the last entry is where the next one will. */
  #names = new DataView(new ArrayBuffer(4096));
  #starts: number[] = [0];
  readonly #refused = new Set<string>();
  /** The answer being decoded, and where the last number in it ended. */
  #answer: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;

  slotOfUser(user: UserName): number | undefined {
    const name = encoder.encode(user);
    const slot = this.#slotOf[this.#find(viewOf(name), 0, name.length)];
    return slot === NONE ? undefined : slot;
  }

  /** How many directions of these users the engine has named. */
  countersOf(users: Iterable<UserName>): number {
    let counters = 0;
    for (const user of users) {
      const slot = this.slotOfUser(user);
      if (slot === undefined) continue;
      if (!Number.isNaN(this.uplink[slot])) counters += 1;
      if (!Number.isNaN(this.downlink[slot])) counters += 1;
    }
    return counters;
  }

  /**
   * Takes an answer in.
   *
   * @throws {SyntaxError} when the bytes are no QueryStatsResponse; values
   * decoded before the fault stay.
   */
  decode(answer: Uint8Array): Decoded {
    const rejected: { user: string; why: string }[] = [];
    let counters = 0;
    this.#answer = answer;
    this.#view = viewOf(answer);
    let at = 0;
    while (at < answer.length) {
      const tag = answer[at];
      let length = answer[at + 1] as number;
      at += 2;
      if (!(length < 128)) [length, at] = [this.#varint(at - 1), this.#at];
      const end = at + length;
      if (tag !== 0x0a || end > answer.length) throw this.#fault("a Stat", at, tag);
      let nameStart = 0;
      let nameEnd = 0;
      let value = 0;
      while (at < end) {
        const field = answer[at++];
        if (field === 0x0a) {
          let size = answer[at++] as number;
          if (!(size < 128)) [size, at] = [this.#varint(at - 1), this.#at];
          nameStart = at;
          nameEnd = at + size;
          at = nameEnd;
        } else if (field === 0x10) {
          value = this.#varint(at);
          at = this.#at;
        } else {
          throw this.#fault("a name or a value", at, field);
        }
      }
      if (at !== end) throw this.#fault(`a Stat that ends at byte ${end}`, at, undefined);
      const outcome = this.#take(nameStart, nameEnd, value);
      if (typeof outcome === "object") rejected.push(outcome);
      else counters += outcome;
    }
    return { rejected, counters };
  }

  /** @returns 1 for a user counter, 0 for anything else, or why this counter cannot be used. */
  #take(start: number, end: number, value: number): number | { user: string; why: string } {
    const view = this.#view;
    if (!holds(view, start, PREFIX)) return 0;
    const isUplink = holds(view, end - UPLINK.length, UPLINK);
    if (!isUplink && !holds(view, end - DOWNLINK.length, DOWNLINK)) return 0;
    const from = start + PREFIX.length;
    const to = end - (isUplink ? UPLINK.length : DOWNLINK.length);
    if (to <= from) return 0;

    const place = this.#find(view, from, to);
    let slot = this.#slotOf[place] as number;
    if (slot === NONE) {
      const added = this.#add(this.#answer.slice(from, to), place);
      if (typeof added === "object") return added;
      slot = added;
      if (slot === NONE) return 0;
    }
    if (value > Number.MAX_SAFE_INTEGER) {
      const user = this.users[slot] as string;
      return { user, why: `expected a count from 0 to 2^53 - 1, got about ${value}` };
    }
    const values = isUplink ? this.uplink : this.downlink;
    if (Number.isNaN(values[slot])) this.counters += 1;
    values[slot] = value;
    return 1;
  }

  /** @returns the new slot, or why the name cannot be used (once per name; later NONE, passed over). */
  #add(name: Uint8Array, place: number): number | { user: string; why: string } {
    let user: UserName;
    try {
      user = userName(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name));
    } catch (error) {
      const shown = Buffer.from(name).toString("latin1");
      if (this.#refused.has(shown)) return NONE;
      this.#refused.add(shown);
      return { user: shown, why: reasonOf(error) };
    }
    const slot = this.users.push(user) - 1;
    this.#keepName(name);
    this.#slotOf[place] = slot;
    if (this.users.length === this.uplink.length) {
      this.uplink = doubled(this.uplink);
      this.downlink = doubled(this.downlink);
    }
    if (this.users.length * 2 > this.#slotOf.length) this.#rehash();
    return slot;
  }

  #keepName(name: Uint8Array): void {
    const start = this.#starts.at(-1) as number;
    const end = start + name.length;
    if (end > this.#names.byteLength) {
      const larger = new Uint8Array(Math.max(end, this.#names.byteLength * 2));
      larger.set(new Uint8Array(this.#names.buffer));
      this.#names = new DataView(larger.buffer);
    }
    new Uint8Array(this.#names.buffer).set(name, start);
    this.#starts.push(end);
  }

  /** The place in the hash table that holds this name, or the free one where it belongs. */
  #find(view: DataView, from: number, to: number): number {
    let hash = to - from;
    let at = from;
    for (; at + 4 <= to; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < to; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
    const mask = this.#slotOf.length - 1;
    let place = (hash ^ (hash >>> 13)) & mask;
    for (;;) {
      const slot = this.#slotOf[place] as number;
      if (slot === NONE || this.#isNamed(slot, view, from, to)) return place;
      place = (place + 1) & mask;
    }
  }

  #isNamed(slot: number, view: DataView, from: number, to: number): boolean {
    const start = this.#starts[slot] as number;
    const length = to - from;
    return (
      (this.#starts[slot + 1] as number) - start === length &&
      sameBytes(view, from, this.#names, start, length)
    );
  }

  #rehash(): void {
    this.#slotOf = new Int32Array(this.#slotOf.length * 2).fill(NONE);
    for (let slot = 0; slot < this.users.length; slot++) {
      const place = this.#find(this.#names, this.#starts[slot] as number, this.#starts[slot + 1] as number);
      this.#slotOf[place] = slot;
    }
  }

  /**
   * A protobuf varint as a number; beyond 2^53 it is rounded, and a negative
   * int64 (ten bytes) comes out near 2^64, so the range check refuses both.
   * Leaves the place behind it in `#at`.
   */
  #varint(start: number): number {
    const answer = this.#answer;
    let at = start;
    let small = 0; // the first 28 bits as an integer: most counts need no more than a few bits above
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = answer[at++];
      if (byte === undefined) throw this.#fault("a number with an end", start, answer[start]);
      small |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#at = at;
        return small;
      }
    }
    let value = small;
    let scale = 2 ** 28;
    for (; at < start + 10; at++) {
      const byte = answer[at];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at + 1;
        return value;
      }
      scale *= 128;
    }
    throw this.#fault("a number with an end", start, answer[start]);
  }

  #fault(expected: string, at: number, got: number | undefined): SyntaxError {
    const found = got === undefined ? "the end" : `byte ${got}`;
    return new SyntaxError(
      `Cannot decode a QueryStats answer of ${this.#answer.length} bytes: expected ${expected} before byte ${at}, got ${found}`,
    );
  }
}

function pattern(text: string): Pattern {
  const bytes = encoder.encode(text);
  return { length: bytes.length, view: viewOf(bytes) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether the pattern stands in `view` at `start`. */
function holds(view: DataView, start: number, wanted: Pattern): boolean {
  if (start < 0 || start + wanted.length > view.byteLength) return false;
  return sameBytes(view, start, wanted.view, 0, wanted.length);
}

function sameBytes(left: DataView, from: number, right: DataView, start: number, length: number): boolean {
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    if (left.getInt32(from + at) !== right.getInt32(start + at)) return false;
  }
  for (; at < length; at++) if (left.getUint8(from + at) !== right.getUint8(start + at)) return false;
  return true;
}

function doubled(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2).fill(Number.NaN);
  larger.set(values);
  return larger;
}

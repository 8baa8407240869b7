/**
 * A set of names, each with a place of its own: a small number, for columns beside it.
 *
 *   slots    place + 1 at the name's hash, or behind it where that is taken; 0 for none
 *   starts   by place: where the name stands in the bytes; 0 for none
 *   bytes    unused(1)  ( length(1)  name<length> )*
 *
 * All of it lies outside of the heap of JavaScript. A hundred thousand names take 4 MB
 * there; in a Map they take 8, and as much again that the heap keeps for its next
 * collection.
 *
 * A stranger chooses the names. So that he cannot choose many with the same hash, the
 * hash begins and goes on with numbers that he does not know.
 */
import { randomBytes } from "node:crypto";

/** What one byte can say of a length. */
const LONGEST_NAME = 255;
const FIRST_CAPACITY = 1024;
const AVERAGE_NAME = 16;

export class NameTable<Name extends string> {
  readonly #seed = randomBytes(4).readInt32LE();
  readonly #factor = randomBytes(4).readInt32LE() | 1;
  #slots = new Uint32Array(2 * FIRST_CAPACITY);
  #starts = new Uint32Array(FIRST_CAPACITY);
  #bytes = Buffer.alloc(FIRST_CAPACITY * AVERAGE_NAME);
  /** Behind the last name in the bytes. */
  #end = 1;
  /** Of the bytes, how many names take that are still here. */
  #living = 0;
  /** Places that were given back. */
  #free: number[] = [];
  /** How many places were given out, with those given back. */
  #places = 0;

  get size(): number {
    return this.#places - this.#free.length;
  }

  /** Where it has its place; undefined for a name that is not here. */
  placeOf(name: Name): number | undefined {
    const found = this.#slots[this.#slotOf(name)] ?? 0;
    return found === 0 ? undefined : found - 1;
  }

  /**
   * Gives it a place, the one it has if it has one. Places of names that left are given out again.
   *
   * @throws {RangeError} for a name of more than 255 characters.
   */
  add(name: Name): number {
    if (name.length > LONGEST_NAME) {
      throw new RangeError(`Cannot keep a name of ${name.length} characters: expected up to ${LONGEST_NAME}`);
    }
    const known = this.placeOf(name);
    if (known !== undefined) return known;
    const place = this.#free.pop() ?? this.#places++;
    if (place >= this.#starts.length) this.#widen();
    const size = 1 + name.length;
    if (this.#end + size > this.#bytes.length) this.#makeRoom(size);
    this.#starts[place] = this.#end;
    this.#bytes[this.#end] = name.length;
    this.#bytes.write(name, this.#end + 1, "latin1");
    this.#end += size;
    this.#living += size;
    this.#slots[this.#slotOf(name)] = place + 1;
    return place;
  }

  /** @returns whether it was here. */
  delete(name: Name): boolean {
    const slot = this.#slotOf(name);
    const place = (this.#slots[slot] ?? 0) - 1;
    if (place < 0) return false;
    this.#starts[place] = 0;
    this.#living -= 1 + name.length;
    this.#free.push(place);
    this.#empty(slot);
    return true;
  }

  /** In the order of their places. Names may come and leave meanwhile. */
  *entries(): Generator<[name: Name, place: number]> {
    for (let place = 0; place < this.#places; place++) {
      if (this.#starts[place] !== 0) yield [this.#nameAt(place), place];
    }
  }

  #nameAt(place: number): Name {
    const start = this.#starts[place] ?? 0;
    const end = start + 1 + (this.#bytes[start] ?? 0);
    return this.#bytes.toString("latin1", start + 1, end) as Name;
  }

  /** Where its number is, or would be. */
  #slotOf(name: string): number {
    const last = this.#slots.length - 1;
    for (let slot = this.#hashOf(name) & last; ; slot = (slot + 1) & last) {
      const place = (this.#slots[slot] ?? 0) - 1;
      if (place < 0 || this.#stands(name, this.#starts[place] ?? 0)) return slot;
    }
  }

  #stands(name: string, start: number): boolean {
    if (this.#bytes[start] !== name.length) return false;
    for (let at = 0; at < name.length; at++) {
      if (this.#bytes[start + 1 + at] !== name.charCodeAt(at)) return false;
    }
    return true;
  }

  #hashOf(name: string): number {
    let hash = this.#seed;
    for (let at = 0; at < name.length; at++) {
      hash = Math.imul(hash ^ name.charCodeAt(at), this.#factor);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** Empties a slot. Those behind it may have stood there had it been free, so they are put in anew. */
  #empty(slot: number): void {
    const last = this.#slots.length - 1;
    this.#slots[slot] = 0;
    for (let next = (slot + 1) & last; this.#slots[next] !== 0; next = (next + 1) & last) {
      const moved = this.#slots[next] ?? 0;
      this.#slots[next] = 0;
      this.#slots[this.#slotOf(this.#nameAt(moved - 1))] = moved;
    }
  }

  /** Twice as many places and slots: half of the slots are free at least. */
  #widen(): void {
    const starts = this.#starts;
    this.#starts = new Uint32Array(2 * starts.length);
    this.#starts.set(starts);
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (const [name, place] of this.entries()) this.#slots[this.#slotOf(name)] = place + 1;
  }

  /** Leaves out the bytes of names that are gone; takes more room where that is not enough. */
  #makeRoom(size: number): void {
    const bytes = Buffer.alloc(Math.max(this.#bytes.length, 2 * (this.#living + size)));
    let end = 1;
    for (let place = 0; place < this.#places; place++) {
      const start = this.#starts[place] ?? 0;
      if (start === 0) continue;
      this.#starts[place] = end;
      end += this.#bytes.copy(bytes, end, start, start + 1 + (this.#bytes[start] ?? 0));
    }
    this.#bytes = bytes;
    this.#end = end;
  }
}

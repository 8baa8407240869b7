/**
 * Checked reads over the bytes of a protocol, in network order.
 *
 * A read past the end gives 0, or no bytes, and leaves the cursor `overrun` at
 * its end for good. So a parser reads its picture straight down and asks once;
 * a loop over what remains ends by itself. Nothing is thrown, as broken input is
 * the common case here.
 *
 * Pure: no I/O, no state between calls.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #overrun = false;

  /** From `start` up to `end`, which must lie within the bytes. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Whether any read so far went past the end. */
  get overrun(): boolean {
    return this.#overrun;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Of the next byte, counted from the first one of all. */
  get position(): number {
    return this.#at;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)] ?? 0;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0);
  }

  u24(): number {
    return (this.u8() << 16) | this.u16();
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** The next bytes under a cursor of their own; none if there are fewer. */
  take(length: number): Cursor {
    const at = this.#advance(length);
    return new Cursor(this.#bytes, Math.min(at, this.#end), this.#at);
  }

  /** The next bytes as they lie there; none if there are fewer. */
  bytes(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, this.#at);
  }

  /** The next bytes, one character each; "" if there are fewer. */
  text(length: number): string {
    return latin1(this.bytes(length));
  }

  /** @returns where the bytes begin; an index that no byte has if there are fewer. */
  #advance(length: number): number {
    const at = this.#at;
    if (length <= this.#end - at) {
      this.#at = at + length;
      return at;
    }
    this.#at = this.#end;
    this.#overrun = true;
    return this.#bytes.length;
  }
}

/** One character per byte. What TextDecoder calls "latin1" is Windows-1252, which is not that. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

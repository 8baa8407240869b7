/**
 * The first bytes of one direction of a TCP flow, put together from segments in any order.
 *
 *        start                                                start + WINDOW
 *   bytes  |#########|......|#####|...........................|
 *            front     gap   piece
 *
 * Of bytes that come twice the first stay. Places are counted from `start` as
 * 32-bit numbers that wrap (RFC 9293 3.4).
 *
 * Pure: no clock, no I/O; its state is the bytes.
 */

/** How much of a flow is looked at: a name stands in front, and what is longer is no beginning. */
export const WINDOW = 16_384;
/** Pieces between gaps. A network turns a few segments around; more is somebody who wants us to remember. */
const MOST_PIECES = 64;
const SMALLEST_BUFFER = 2_048;

/** Bytes with their place in the flow. */
export interface Piece {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export class Assembly {
  readonly #start: number;
  #bytes = new Uint8Array(0);
  /** Apart from each other, in order. */
  #ranges: readonly Range[] = [];

  /** @param start the sequence number of the first byte. */
  constructor(start: number) {
    this.#start = start;
  }

  get start(): number {
    return this.#start;
  }

  /** What it costs to keep. */
  get size(): number {
    return this.#bytes.length;
  }

  /** All bytes up to the first gap; only good until the next `put()`. */
  get front(): Uint8Array {
    const [first] = this.#ranges;
    return this.#bytes.subarray(0, first?.from === 0 ? first.to : 0);
  }

  get pieces(): Piece[] {
    return this.#ranges.map(({ from, to }) => ({
      sequence: (this.#start + from) >>> 0,
      bytes: this.#bytes.slice(from, to),
    }));
  }

  /** Whether a byte of that number would have a place here. */
  covers(sequence: number): boolean {
    const offset = this.#offsetOf(sequence);
    return offset >= 0 && offset < WINDOW;
  }

  /** Copies what is new and within the window. @returns whether the front is longer now. */
  put({ sequence, bytes }: Piece): boolean {
    const offset = this.#offsetOf(sequence);
    const from = Math.max(offset, 0);
    const to = Math.min(offset + bytes.length, WINDOW);
    if (to <= from) return false;
    const touching = this.#ranges.filter((range) => range.from <= to && range.to >= from);
    if (touching.length === 0 && this.#ranges.length >= MOST_PIECES) return false;
    const before = this.front.length;
    this.#grow(to);
    let next = from;
    for (const range of [...touching, { from: to, to }]) {
      if (next < range.from) this.#bytes.set(bytes.subarray(next - offset, range.from - offset), next);
      next = Math.max(next, range.to);
    }
    const joined = {
      from: Math.min(from, touching[0]?.from ?? from),
      to: Math.max(to, touching.at(-1)?.to ?? to),
    };
    this.#ranges = [
      ...this.#ranges.filter((range) => range.to < joined.from),
      joined,
      ...this.#ranges.filter((range) => range.from > joined.to),
    ];
    return this.front.length > before;
  }

  /** From -2^31 to 2^31 - 1. */
  #offsetOf(sequence: number): number {
    return (sequence - this.#start) | 0;
  }

  #grow(length: number): void {
    if (length <= this.#bytes.length) return;
    let size = SMALLEST_BUFFER;
    while (size < length) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

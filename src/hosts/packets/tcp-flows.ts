/**
 * Finds the beginnings of TCP flows that show a name, and puts them together.
 *
 * A segment whose payload can begin a name is parsed where it lies; most are
 * whole. Only one that is incomplete becomes a flow that waits for the rest. Once
 * the parser has said anything else, the flow is forgotten: a later request on
 * the same connection is a new beginning.
 *
 * Segments can overtake each other, so what fits nowhere yet is kept for a short
 * while. That is much more than what will be needed (each flow goes on with
 * something), so it has narrow bounds of its own.
 *
 * Pure: no clock, no I/O; its state is the flows that wait.
 */
import { milliseconds, type UnixTime } from "../../units.ts";
import type { SniffedName, SniffResult } from "../parsers/sniff-result.ts";
import { Assembly, type Piece, WINDOW } from "./assembly.ts";
import { Waiting } from "./waiting.ts";

/** From the first bytes of a client's stream. It may be called again with the same ones and more. */
export type StreamParser = (stream: Uint8Array) => SniffResult;

/** Names, and where in the flow their request begins. */
export interface TcpNames {
  readonly sequence: number;
  readonly names: readonly SniffedName[];
}

/**
 * With those of QUIC: 4,096 flows and 16 MiB. A client that stops for longer in the middle of its first
 * message has given up.
 */
const BEGUN_LIMITS = { entries: 3_072, bytes: 12 * 2 ** 20, age: milliseconds(10_000) };
/** As long as it takes a client to send again what was lost on the way. */
const EARLY_LIMITS = { entries: 1_024, bytes: 2 ** 20, age: milliseconds(3_000) };
const MOST_EARLY_BYTES = 2 * WINDOW;
/** For a key and the objects around the bytes, so that many small ones count as well. */
const OVERHEAD = 256;

export class TcpFlows {
  readonly #parse: StreamParser;
  readonly #begun = new Waiting<Assembly>(BEGUN_LIMITS);
  /** What came before its beginning, or belongs to nothing. */
  readonly #early = new Waiting<readonly Piece[]>(EARLY_LIMITS);
  #mismatches = 0;

  constructor(parse: StreamParser) {
    this.#parse = parse;
  }

  /** Those that wait for the rest of a beginning. */
  get begun(): Pick<Waiting<unknown>, "size" | "evicted" | "expired"> {
    return this.#begun;
  }

  /** All that is kept. */
  get bytes(): number {
    return this.#begun.bytes + this.#early.bytes;
  }

  get mismatches(): number {
    return this.#mismatches;
  }

  /** @param key tells this direction of this flow from all others. Its bytes are copied if they have to wait. */
  take(key: string, piece: Piece, at: UnixTime): TcpNames | undefined {
    const flow = this.#begun.get(key);
    if (flow?.covers(piece.sequence)) return this.#continue(key, flow, piece, at);
    if (!canBegin(piece.bytes)) {
      this.#keep(key, [piece], at);
      return undefined;
    }
    return this.#begin(key, flow, piece, at);
  }

  expire(now: UnixTime): void {
    this.#begun.expire(now);
    this.#early.expire(now);
  }

  #continue(key: string, flow: Assembly, piece: Piece, at: UnixTime): TcpNames | undefined {
    const longer = flow.put(piece);
    this.#begun.update(key, flow, flow.size + OVERHEAD);
    return longer ? this.#judge(key, flow, at) : undefined;
  }

  /** @param other begins elsewhere: a request before this one, or a segment that only looked like a beginning. */
  #begin(key: string, other: Assembly | undefined, piece: Piece, at: UnixTime): TcpNames | undefined {
    const result = this.#parse(piece.bytes.subarray(0, WINDOW));
    if (result.kind === "host") return { sequence: piece.sequence, names: result.names };
    if (result.kind === "mismatch") {
      this.#mismatches += 1;
      this.#keep(key, [piece], at);
    }
    if (result.kind !== "incomplete") return undefined;
    const flow = new Assembly(piece.sequence);
    flow.put(piece);
    // What is early stays there: this may still turn out to be the middle of something.
    const others = [...(other?.pieces ?? []), ...(this.#early.get(key) ?? [])];
    const longer = others.map((one) => flow.put(one)).includes(true);
    this.#begun.set(key, flow, flow.size + OVERHEAD, at);
    return longer ? this.#judge(key, flow, at) : undefined;
  }

  #judge(key: string, flow: Assembly, at: UnixTime): TcpNames | undefined {
    const result = this.#parse(flow.front);
    if (result.kind === "incomplete" && flow.front.length < WINDOW) return undefined;
    this.#begun.delete(key);
    if (result.kind === "host") return { sequence: flow.start, names: result.names };
    if (result.kind !== "no-host") this.#mismatches += 1;
    // It may have begun at the wrong place, before the right one came.
    if (result.kind === "mismatch") this.#keep(key, flow.pieces, at);
    return undefined;
  }

  #keep(key: string, pieces: readonly Piece[], at: UnixTime): void {
    const kept = [...(this.#early.get(key) ?? [])];
    for (const { sequence, bytes } of pieces) {
      if (bytes.length > WINDOW) continue;
      kept.push({ sequence, bytes: new Uint8Array(bytes) }); // a Buffer's own slice() would not copy
    }
    let size = kept.reduce((sum, { bytes }) => sum + bytes.length + OVERHEAD, 0);
    while (size > MOST_EARLY_BYTES) size -= (kept.shift()?.bytes.length ?? 0) + OVERHEAD;
    if (kept.length > 0) this.#early.set(key, kept, size, at);
  }
}

/** Whether it is worth asking the parser: a TLS handshake record, or capital letters as in each method of HTTP. */
function canBegin([first, second]: Uint8Array): boolean {
  if (first === 0x16) return second === undefined || second === 0x03;
  return isCapital(first) && (second === undefined || isCapital(second));
}

function isCapital(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}

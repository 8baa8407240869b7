/**
 * Collects a client's first QUIC datagrams until they show a name.
 *
 * A ClientHello often takes two Initial packets, in two datagrams or in one. The
 * parser gets all that came so far, because only the first tells the keys. What a
 * server sends does not decrypt with them: the parser says so, and it is forgotten.
 *
 * Pure: no clock, no I/O; its state is the flows that wait.
 */
import { milliseconds, type UnixTime } from "../../units.ts";
import type { SniffedName, SniffResult } from "../parsers/sniff-result.ts";
import { WINDOW } from "./assembly.ts";
import { Waiting } from "./waiting.ts";

/** From the payloads of a client's first datagrams, in the order in which they came. */
export type DatagramsParser = (datagrams: readonly Uint8Array[]) => SniffResult;

/** With those of TCP: 4,096 flows and 16 MiB. */
const LIMITS = { entries: 1_024, bytes: 4 * 2 ** 20, age: milliseconds(10_000) };
const MOST_DATAGRAMS = 8;

export class QuicFlows {
  readonly #parse: DatagramsParser;
  readonly #begun = new Waiting<readonly Uint8Array[]>(LIMITS);
  #mismatches = 0;

  constructor(parse: DatagramsParser) {
    this.#parse = parse;
  }

  /** Those that wait for the rest of a beginning. */
  get begun(): Pick<Waiting<unknown>, "size" | "bytes" | "evicted" | "expired"> {
    return this.#begun;
  }

  get mismatches(): number {
    return this.#mismatches;
  }

  /** @param key tells this direction of this flow from all others. The payload is copied if it has to wait. */
  take(key: string, payload: Uint8Array, at: UnixTime): readonly SniffedName[] | undefined {
    if (!hasLongHeader(payload)) return undefined;
    const datagram = payload.subarray(0, WINDOW);
    const before = this.#begun.get(key) ?? [];
    if (before.some((one) => Buffer.compare(one, datagram) === 0)) return undefined;
    const result = this.#parse([...before, datagram]);
    if (result.kind === "mismatch") {
      this.#mismatches += 1; // what was there before it waits on: a stranger's packet spoils nothing
      return undefined;
    }
    const size = before.reduce((sum, { length }) => sum + length, datagram.length);
    if (result.kind === "incomplete" && before.length + 1 < MOST_DATAGRAMS && size <= WINDOW) {
      const all = [...before, new Uint8Array(datagram)];
      if (before.length === 0) this.#begun.set(key, all, size, at);
      else this.#begun.update(key, all, size);
      return undefined;
    }
    this.#begun.delete(key);
    return result.kind === "host" ? result.names : undefined;
  }

  expire(now: UnixTime): void {
    this.#begun.expire(now);
  }
}

/** With the fixed bit (RFC 9000 17.2). Version and type are the parser's matter. */
function hasLongHeader([first]: Uint8Array): boolean {
  return first !== undefined && (first & 0xc0) === 0xc0;
}

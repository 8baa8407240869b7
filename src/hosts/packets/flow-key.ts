/**
 * One direction of a flow as a text to look up: the shortest to make, and to keep.
 *
 *   key = source, one character per byte  destination  source port, one character  destination port
 *
 * Pure: no clock, no I/O.
 */
import type { Segment } from "./ip-packet.ts";

/** Addresses are of 4 or 16 bytes, both alike. */
export type Ends = Pick<Segment, "source" | "sourcePort" | "destination" | "destinationPort">;

/** The same for all packets of one direction of a flow, and for nothing else of the same protocol. */
export function flowKey({ source, sourcePort, destination, destinationPort }: Ends): string {
  return textOf(source) + textOf(destination) + String.fromCharCode(sourcePort, destinationPort);
}

/** What `flowKey()` was made of, in bytes of its own. */
export function endsOf(key: string): Ends {
  const length = (key.length - 2) / 2;
  return {
    source: bytesOf(key.slice(0, length)),
    sourcePort: key.charCodeAt(2 * length),
    destination: bytesOf(key.slice(length, 2 * length)),
    destinationPort: key.charCodeAt(2 * length + 1),
  };
}

/** One character per byte; for few of them. */
export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

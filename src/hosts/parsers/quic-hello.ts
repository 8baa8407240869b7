/**
 * Finds the server name in the first datagrams of a QUIC client.
 *
 *   datagrams -> Initial packets -> opened -> CRYPTO pieces -> one ClientHello, without TLS records   RFC 9001 4
 *
 * A hello with post-quantum key shares fills two datagrams, in pieces of any order;
 * lost ones come again. Keys follow from the destination id that the client chose
 * for its first packet. After the server's first answer the client uses the
 * server's id, with the keys of before; after a Retry it begins anew, with keys from
 * the Retry's id and the same hello from its first byte. What a server sends is
 * sealed with other keys and stays shut.
 *
 * Pure: no I/O, no state between calls.
 */
import { parseHandshake } from "./client-hello.ts";
import { type CryptoPiece, cryptoPieces } from "./quic-frames.ts";
import { clientInitialKeys, type InitialKeys, openInitial } from "./quic-keys.ts";
import { type QuicInitial, quicInitials } from "./quic-packet.ts";
import { joinPieces } from "./quic-stream.ts";
import type { SniffResult } from "./sniff-result.ts";

/** A hello takes two, and each may be lost and sent again. */
const MOST_DATAGRAMS = 8;

interface Connection {
  /** The packet that its keys come from. */
  readonly first: QuicInitial;
  readonly keys: InitialKeys;
  readonly pieces: CryptoPiece[];
}

/** All datagrams so far of one flow's client, in any order, doubled or not. Those behind the eighth are not read. */
export function parseQuicHello(datagrams: readonly Uint8Array[]): SniffResult {
  const connections: Connection[] = [];
  for (const initial of datagrams.slice(0, MOST_DATAGRAMS).flatMap(quicInitials)) {
    const opened = open(initial, connections);
    if (!opened) continue;
    const pieces = cryptoPieces(opened.payload);
    if (!pieces) return { kind: "mismatch" };
    opened.connection.pieces.push(...pieces);
    if (!connections.includes(opened.connection)) connections.push(opened.connection);
  }
  for (const { pieces } of connections) {
    const hello = joinPieces(pieces);
    const result: SniffResult = hello ? parseHandshake(hello, "QUIC") : { kind: "mismatch" };
    if (result.kind !== "incomplete") return result;
  }
  const isBegun = connections.length > 0 || datagrams.length === 0;
  return { kind: isBegun && datagrams.length < MOST_DATAGRAMS ? "incomplete" : "mismatch" };
}

/** By the keys of its own destination id, or else by those of the first packet that opened. */
function open(
  initial: QuicInitial,
  connections: readonly Connection[],
): { readonly payload: Uint8Array; readonly connection: Connection } | undefined {
  const own = connections.find(({ first }) => haveSameKeys(first, initial)) ?? begin(initial);
  for (const connection of new Set([own, connections[0]])) {
    const payload = connection && openInitial(connection.keys, initial);
    if (payload) return { payload, connection };
  }
  return undefined;
}

function haveSameKeys(one: QuicInitial, other: QuicInitial): boolean {
  return one.version === other.version && Buffer.compare(one.dcid, other.dcid) === 0;
}

function begin(first: QuicInitial): Connection {
  return { first, keys: clientInitialKeys(first.version, first.dcid), pieces: [] };
}

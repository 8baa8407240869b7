/**
 * From packets in the order of their arrival to the names that their flows show, each once.
 *
 * The same packet can come twice: on loopback, and forwarded in at one interface
 * and out at another, perhaps under other addresses and cut in other places. What
 * stays the same is where in the flow's numbers a name stands. So a sighting is
 * known by its names and their place, not by its addresses.
 *
 * A connection that this host opens and that shows no name in time is a sighting
 * too, of an address.
 *
 * Pure: no clock, no I/O; its state is the flows that wait.
 */
import { milliseconds, type UnixTime } from "../../units.ts";
import type { SniffedName, SniffResult } from "../parsers/sniff-result.ts";
import { endsOf, flowKey, textOf } from "./flow-key.ts";
import type { Segment } from "./ip-packet.ts";
import { type DatagramsParser, QuicFlows } from "./quic-flows.ts";
import { Recent } from "./recent.ts";
import { type StreamParser, TcpFlows } from "./tcp-flows.ts";
import { Waiting } from "./waiting.ts";

export interface FlowTableOptions {
  readonly stream: StreamParser;
  readonly quic: DatagramsParser;
  /** Without it questions to name servers are passed over. */
  readonly dns?: (datagram: Uint8Array) => SniffResult;
  /** Whether `expire()` is to answer with the addresses that this host reached without a name. */
  readonly addresses: boolean;
}

/** One look at a flow: from the client to the server. */
export interface FlowSight {
  /** Undefined where none was seen: an address without a name. */
  readonly names: readonly SniffedName[] | undefined;
  readonly protocol: "tcp" | "udp";
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Whether it leaves this host; undefined where the capture does not tell. */
  readonly outgoing: boolean | undefined;
  /** Of the packet that completed the names; without names, of the one that opened the flow. */
  readonly at: UnixTime;
}

export interface FlowCounts {
  /** Packets taken. */
  readonly segments: number;
  /** Beginnings that wait for their rest now. */
  readonly flows: number;
  /** What these and what came out of order take up now. */
  readonly bytes: number;
  /** Beginnings that left for newer ones: names may be missing. */
  readonly evicted: number;
  /** Beginnings whose rest never came. */
  readonly expired: number;
  /** What looked like a beginning and was none. */
  readonly mismatches: number;
}

/** What its key does not say. */
type Opening = Pick<FlowSight, "outgoing" | "at">;

/** With a pause for the handshake; a client that speaks first does so at once. */
const UNNAMED_LIMITS = { entries: 16_384, bytes: Number.POSITIVE_INFINITY, age: milliseconds(3_000) };
/** At the least; a packet's second sight comes within milliseconds. */
const REMEMBERED = 8_192;
const DNS_PORT = 53;

export class FlowTable {
  readonly #tcp: TcpFlows;
  readonly #quic: QuicFlows;
  readonly #dns: FlowTableOptions["dns"];
  /** Opened by this host; undefined if nobody asks. */
  readonly #unnamed: Waiting<Opening> | undefined;
  readonly #given = new Recent(REMEMBERED);
  #segments = 0;

  constructor({ stream, quic, dns, addresses }: FlowTableOptions) {
    this.#tcp = new TcpFlows(stream);
    this.#quic = new QuicFlows(quic);
    this.#dns = dns;
    this.#unnamed = addresses ? new Waiting(UNNAMED_LIMITS) : undefined;
  }

  get counts(): FlowCounts {
    const [tcp, quic] = [this.#tcp.begun, this.#quic.begun];
    return {
      segments: this.#segments,
      flows: tcp.size + quic.size,
      bytes: this.#tcp.bytes + quic.bytes,
      evicted: tcp.evicted + quic.evicted,
      expired: tcp.expired + quic.expired,
      mismatches: this.#tcp.mismatches + this.#quic.mismatches,
    };
  }

  /** @returns the names that the flow shows with this segment, but for those it showed there already. */
  take(segment: Segment, at: UnixTime): FlowSight | undefined {
    this.#segments += 1;
    const names = segment.protocol === "tcp" ? this.#takeTcp(segment, at) : this.#takeUdp(segment, at);
    if (!names) return undefined;
    const { protocol, outgoing } = segment;
    return { ...endsOf(flowKey(segment)), names, protocol, outgoing, at };
  }

  /** Forgets what waited too long. @returns the addresses that showed no name, if they are wanted. */
  expire(now: UnixTime): readonly FlowSight[] {
    this.#tcp.expire(now);
    this.#quic.expire(now);
    return this.#unnamed?.expire(now).map(opened) ?? [];
  }

  #takeTcp(segment: Segment, at: UnixTime): readonly SniffedName[] | undefined {
    const { opens, outgoing, sequence, payload } = segment;
    const key = flowKey(segment);
    if (opens && outgoing !== false && this.#unnamed?.get(key) === undefined) {
      this.#unnamed?.set(key, { outgoing, at }, 0, at);
    }
    if (payload.length === 0) return undefined;
    const found = this.#tcp.take(key, { sequence, bytes: payload }, at);
    if (!found) return undefined;
    this.#unnamed?.delete(key);
    return this.#new(`${found.sequence}`, found.names);
  }

  #takeUdp(segment: Segment, at: UnixTime): readonly SniffedName[] | undefined {
    const { destinationPort, payload } = segment;
    if (destinationPort === DNS_PORT) {
      const answer = this.#dns?.(payload);
      return answer?.kind === "host" ? this.#new(textOf(payload.subarray(0, 2)), answer.names) : undefined;
    }
    const key = flowKey(segment);
    const connection = connectionOf(payload);
    if (this.#given.has(key + connection)) return undefined; // decryption is dear, and clients repeat themselves
    const names = this.#quic.take(key, payload, at);
    if (!names) return undefined;
    this.#given.add(key + connection);
    return this.#new(connection, names);
  }

  /** Looks at as much of them as a host's name can have: what is remembered may not grow with what is sent. */
  #new(place: string, names: readonly SniffedName[]): readonly SniffedName[] | undefined {
    const texts = names.slice(0, 4).map(({ name }) => name.slice(0, 255));
    return this.#given.add([place, ...texts].join("\n")) ? names : undefined;
  }
}

function opened([key, { outgoing, at }]: readonly [string, Opening]): FlowSight {
  return { ...endsOf(key), names: undefined, protocol: "tcp", outgoing, at };
}

/** Under which id the client speaks to the server, as it stands behind version and type (RFC 9000 17.2). */
function connectionOf(datagram: Uint8Array): string {
  return textOf(datagram.subarray(6, 6 + Math.min(datagram[5] ?? 0, LONGEST_CONNECTION_ID)));
}

const LONGEST_CONNECTION_ID = 20;

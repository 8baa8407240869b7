/** From interfaces to flows: a tap for each, and one table of flows for all. */
import type { UnixTime } from "../units.ts";
import type { TapStatus } from "./capture-desk.ts";
import { type FlowCounts, type FlowSight, FlowTable, type FlowTableOptions } from "./packets/flow-table.ts";
import { parseIpPacket } from "./packets/ip-packet.ts";
import { networkPacket } from "./packets/link-layer.ts";
import { PcapStream } from "./packets/pcap-stream.ts";
import { PacketTap } from "./taps/packet-tap.ts";

export interface PacketTapsOptions extends FlowTableOptions {
  /** As the kernel names them; "any" is all. */
  readonly interfaces: readonly string[];
  /** In tcpdump's language. */
  readonly filter: string;
  readonly onSight: (sight: FlowSight) => void;
}

interface CountedTap {
  readonly tap: PacketTap;
  /** Packets so far. */
  taken: number;
}

export class PacketTaps implements Disposable {
  readonly #table: FlowTable;
  readonly #taps: readonly CountedTap[];
  readonly #onSight: (sight: FlowSight) => void;

  constructor({ interfaces, filter, onSight, ...options }: PacketTapsOptions) {
    this.#onSight = onSight;
    this.#table = new FlowTable(options);
    this.#taps = interfaces.map((name) => {
      let pcap: PcapStream;
      const onStart = () => {
        pcap = new PcapStream((link, at, bytes) => {
          counted.taken += 1;
          this.#take(link, at, bytes);
        });
      };
      const counted: CountedTap = {
        tap: new PacketTap({ name, filter, onStart, onBytes: (bytes) => pcap.push(bytes) }),
        taken: 0,
      };
      return counted;
    });
  }

  /** Resolves when each tap listens, or has failed to. */
  get begun(): Promise<unknown> {
    return Promise.all(this.#taps.map(({ tap }) => tap.begun));
  }

  get counts(): FlowCounts {
    return this.#table.counts;
  }

  /** Has the taps say how many packets they missed. */
  ask(): void {
    for (const { tap } of this.#taps) tap.ask();
  }

  /** Lets go of flows that waited too long, and tells of addresses that showed no name. */
  expire(now: UnixTime): void {
    for (const sight of this.#table.expire(now)) this.#onSight(sight);
  }

  status(): TapStatus[] {
    return this.#taps.map(({ tap, taken }) => ({
      name: `packets on ${tap.name}`,
      trouble: tap.trouble ?? "",
      taken,
      dropped: tap.report.dropped,
    }));
  }

  [Symbol.dispose](): void {
    for (const { tap } of this.#taps) tap[Symbol.dispose]();
  }

  #take(link: number, at: UnixTime, bytes: Uint8Array): void {
    const packet = networkPacket(link, bytes);
    const segment = packet && parseIpPacket(packet);
    const sight = segment && this.#table.take(segment, at);
    if (sight) this.#onSight(sight);
  }
}

/**
 * Connections that something else tells of as they begin, kept until the next look.
 *
 * What comes is sifted at the look, by the ports of then; what does not fit
 * between two looks is dropped and said.
 */
import { isLoopback } from "../../addresses.ts";
import type { ClientConnection, Premises } from "./connection-source.ts";
import type { Transport } from "./served-ports.ts";

/** A connection as a line tells of it. Addresses are in their shortest form. */
export interface ToldConnection {
  readonly transport: Transport;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

const MOST_WAITING = 20_000;

export class ToldConnections {
  #waiting: ToldConnection[] = [];
  #dropped = 0;

  add(told: ToldConnection): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(told);
    else this.#dropped += 1;
  }

  /** @returns how many were dropped since the last time. */
  take({ served, isOurs }: Premises, visit: (connection: ClientConnection) => void): number {
    const [waiting, dropped] = [this.#waiting, this.#dropped];
    this.#waiting = [];
    this.#dropped = 0;
    for (const { transport, localAddress, localPort, remoteAddress, remotePort } of waiting) {
      const service = served[transport].get(localPort);
      if (service === undefined || isLoopback(remoteAddress) || !isOurs(localAddress)) continue;
      visit({ service, transport, address: remoteAddress, port: remotePort, localPort });
    }
    return dropped;
  }
}

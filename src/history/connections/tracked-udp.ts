/**
 * Clients by connection tracking: of UDP it alone knows them.
 *
 * An unanswered flow is a scan, and its sender's address may be forged: no client.
 * Nothing here switches tracking on, which is the whole host's business.
 *
 * A look asks for one family and remembers the other from the look before: the
 * kernel goes through its whole table for each, and a flow stays for half a minute.
 */
import { isLoopback } from "../../addresses.ts";
import { isTracking, openUdpFlows, type UdpFlows } from "../../kernel/udp-flows.ts";
import type { ClientConnection, ConnectionSource, Premises } from "./connection-source.ts";

const OFF =
  'Cannot see clients of UDP ports: the kernel tracks no connections until a rule of its firewall asks for their state (Sluice\'s gates do, or "ct state new" in a rule of your own)';

export class TrackedUdp implements ConnectionSource {
  readonly name = "UDP flows";
  readonly tells = "standing";
  #flows: UdpFlows | undefined;
  /** The next look's. */
  #family: 4 | 6 = 4;
  readonly #seen: Record<4 | 6, ClientConnection[]> = { 4: [], 6: [] };
  /** An idle host tracks nothing for a while: that is no news once it was seen to. */
  #tracks = false;
  #trouble: string | undefined;

  get trouble(): string | undefined {
    return this.#trouble;
  }

  read({ served, isOurs }: Premises, visit: (connection: ClientConnection) => void): void {
    this.#trouble = undefined;
    if (served.udp.size === 0) return;
    this.#tracks ||= isTracking();
    if (!this.#tracks) {
      this.#trouble = OFF;
      return;
    }
    this.#flows ??= openUdpFlows();
    const family = this.#family;
    this.#family = family === 4 ? 6 : 4;
    const seen: ClientConnection[] = [];
    this.#flows.walk(family, new Set(served.udp.keys()), (flow) => {
      const { clientAddress, clientPort, localAddress, localPort } = flow;
      const service = served.udp.get(localPort);
      // A flow that passes through, or that this host began, is answered by another host.
      if (service === undefined || isLoopback(clientAddress) || !isOurs(localAddress)) return;
      seen.push({ service, transport: "udp", address: clientAddress, port: clientPort, localPort });
    });
    this.#seen[family] = seen;
    for (const connection of [...this.#seen[4], ...this.#seen[6]]) visit(connection);
  }

  [Symbol.dispose](): void {
    this.#flows?.[Symbol.dispose]();
  }
}

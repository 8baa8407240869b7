/**
 * UDP flows as `conntrack -L -p udp` prints them, one a line:
 *
 *   udp  17 29 src=192.0.2.1 dst=198.51.100.2 sport=4000 dport=1194 [UNREPLIED] src=198.51.100.2 dst=192.0.2.1 sport=1194 dport=4000 mark=0 use=1
 *
 * The first four fields are of the first packet, the next four of the answers.
 *
 * Pure: no I/O, no state between calls.
 */
import { canonicalAddress } from "../addresses.ts";
import type { UdpFlow } from "./udp-flow-messages.ts";

/** Those that were answered; a line that is none is passed over. */
export function decodeUdpFlows(output: string): UdpFlow[] {
  return output.split("\n").flatMap((line) => {
    if (!line.startsWith("udp ") || line.includes("[UNREPLIED]")) return [];
    const [client, local] = [...line.matchAll(/ src=(\S+) dst=\S+ sport=(\d+) dport=\d+/g)].map(
      ([, address = "", port]) => ({ address: canonicalAddress(address), port: Number(port) }),
    );
    if (client?.address === undefined || local?.address === undefined) return [];
    return {
      ...{ clientAddress: client.address, clientPort: client.port },
      ...{ localAddress: local.address, localPort: local.port },
    };
  });
}

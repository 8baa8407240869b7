/**
 * Who is connected: the established TCP sockets at some local ports, one look at a time.
 *
 * Half-open ones (SYN_RECV) are left out: their remote address may be forged.
 * A socket that dialled out does not have the port of a listener: connect(2)
 * passes over every port that somebody has bound, so its local port is another
 * one, unless its program bound it on purpose.
 *
 * By netlink the whole table comes past, since the kernel sifts by one port at
 * most; without koffi by `ss`, at the price of a process.
 */
import { addressText } from "../address-text.ts";
import { KernelUnavailableError } from "../errors.ts";
import { AF_INET, ESTABLISHED_TCP, encodeSelected } from "./inet-diag.ts";
import { openNetlink } from "./netlink.ts";
import { dumpFamilies, NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY } from "./sock-diag-requests.ts";
import { listEstablished, probeSs } from "./ss-command.ts";

/** One of them. Addresses are in their shortest form, mapped IPv4 as IPv4. */
export interface EstablishedSocket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly remoteAddress: string;
  /** Spelled when it is asked for, within the visit. */
  readonly localAddress: () => string;
}

export interface EstablishedSockets extends Disposable {
  /** @throws {SystemCallError} when the kernel does not answer, {KernelUnavailableError} when `ss` does not. */
  walk(ports: ReadonlySet<number>, visit: (socket: EstablishedSocket) => void): void;
}

/** As inet-diag.ts draws it. */
const MESSAGE_LENGTH = 72;

/** @throws {KernelUnavailableError} with neither netlink nor `ss`. */
export function openEstablished(): EstablishedSockets {
  try {
    return openByNetlink();
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    probeSs();
    return {
      walk: (ports, visit) => {
        for (const { local, remote } of listEstablished(ports)) {
          visit({
            ...{ localPort: local.port, remotePort: remote.port, remoteAddress: remote.address },
            localAddress: () => local.address,
          });
        }
      },
      [Symbol.dispose]: () => undefined,
    };
  }
}

function openByNetlink(): EstablishedSockets {
  const netlink = openNetlink(NETLINK_SOCK_DIAG);
  return {
    walk: (ports, visit) => {
      if (ports.size === 0) return;
      const [first = 0] = ports;
      const sifted = ports.size === 1 ? first : 0;
      dumpFamilies((family) => {
        const payload = encodeSelected(family, ESTABLISHED_TCP, sifted);
        netlink.walk({ type: SOCK_DIAG_BY_FAMILY, dump: true, payload }, (buffer, start, end) => {
          if (end - start < MESSAGE_LENGTH)
            throw new SyntaxError(
              `Cannot decode a socket: expected at least ${MESSAGE_LENGTH} bytes, got ${end - start}`,
            );
          const localPort = buffer.readUInt16BE(start + 4);
          if (!ports.has(localPort)) return;
          const length = family === AF_INET ? 4 : 16;
          visit({
            localPort,
            remotePort: buffer.readUInt16BE(start + 6),
            remoteAddress: addressText(buffer.subarray(start + 24, start + 24 + length)),
            localAddress: () => addressText(buffer.subarray(start + 8, start + 8 + length)),
          });
        });
      });
    },
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

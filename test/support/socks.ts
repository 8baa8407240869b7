/**
 * Opens a stream through an engine client's SOCKS5 inbound.
 *
 *   greeting = 5  methods(1)=1  0 (no password)        answer = 5  0            RFC 1928 3
 *   request  = 5  1 (connect)  0  type(1)=1 address(4) port(2)                  RFC 1928 4
 *                           type(1)=4 address(16) port(2)
 *   reply    = 5  status(1)=0  0  type(1)=1 address(4) port(2)                  RFC 1928 6
 *
 * Engines reply before the destination is reached, so a reply promises little.
 */
import { once } from "node:events";
import { isIPv6, type Socket } from "node:net";
import { addressBytes } from "../../src/kernel/addresses.ts";
import { type Destination, encodeIPv4, encodePort, openSocket, type Tunnel } from "./tunnel.ts";

const CONNECT = 1;

/** @throws when the proxy refuses the connection, the request, or ends before it replied. */
export async function connectThroughSocks(proxy: Destination, destination: Destination): Promise<Tunnel> {
  const { socket } = await askSocks(proxy, CONNECT, destination);
  return { socket, incoming: socket, [Symbol.dispose]: () => socket.destroy() };
}

/**
 * Makes a request of any command.
 *
 * @returns the connection it was made on, and where the proxy says it listens or connects from.
 * @throws when the proxy refuses the connection, the request, or ends before it replied.
 */
export async function askSocks(
  proxy: Destination,
  command: number,
  { address, port }: Destination,
): Promise<{ readonly socket: Socket; readonly bound: Destination }> {
  const socket = await openSocket(proxy);
  try {
    socket.write(Buffer.from([5, 1, 0]));
    const [, method] = await take(socket, 2);
    if (method !== 0) throw new Error(`expected method 0, got ${method}`);
    socket.write(Buffer.concat([Buffer.from([5, command, 0]), encodeAddress(address), encodePort(port)]));
    const reply = await take(socket, 10);
    if (reply[1] !== 0) throw new Error(`expected status 0, got ${reply[1]}`);
    const bound = { address: reply.subarray(4, 8).join("."), port: reply.readUInt16BE(8) };
    return { socket, bound };
  } catch (error) {
    socket.destroy();
    throw new Error(`Cannot connect through SOCKS5 at port ${proxy.port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function encodeAddress(address: string): Buffer {
  return isIPv6(address) ? Buffer.concat([Buffer.from([0x04]), addressBytes(address)]) : encodeIPv4(address);
}

async function take(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes?.length === length) return bytes;
    if (bytes || socket.readableEnded) throw new Error(`the proxy ended after ${bytes?.length ?? 0} bytes`);
    const either = new AbortController();
    try {
      const { signal } = either;
      await Promise.race([once(socket, "readable", { signal }), once(socket, "end", { signal })]);
    } finally {
      either.abort();
    }
  }
}

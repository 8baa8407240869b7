/**
 * Opens a stream through an engine client's SOCKS5 inbound, or asks it for a relay of datagrams.
 *
 *   greeting = 5  methods(1)=1  0 (no password)        answer = 5  0            RFC 1928 3
 *   greeting = 5  1  2 (password)                      answer = 5  2            RFC 1929
 *   login    = 1  length name  length password         answer = 1  0
 *   request  = 5  1 (connect) or 3 (relay)  0  type(1)=1 address(4) port(2)                  RFC 1928 4
 *                           type(1)=4 address(16) port(2)
 *   reply    = 5  status(1)=0  0  type(1)=1 address(4) port(2)                  RFC 1928 6
 *
 * Engines reply before the destination is reached, so a reply promises little.
 */
import { once } from "node:events";
import { isIPv6, type Socket } from "node:net";
import { addressBytes } from "../../src/addresses.ts";
import { type Destination, encodeIPv4, encodePort, openSocket, type Tunnel } from "./tunnel.ts";

export interface SocksLogin {
  readonly name: string;
  readonly password: string;
}

/** @throws when the proxy refuses the connection, the request, or ends before it replied. */
export async function connectThroughSocks(
  proxy: Destination,
  destination: Destination,
  login?: SocksLogin,
): Promise<Tunnel> {
  const { socket } = await askSocks(proxy, CONNECT, destination, login);
  return { socket, incoming: socket, [Symbol.dispose]: () => socket.destroy() };
}

export const CONNECT = 1;
export const RELAY = 3;

/**
 * @returns the connection, and the address in the proxy's reply: where a relay takes datagrams.
 * @throws as connectThroughSocks() does.
 */
export async function askSocks(
  proxy: Destination,
  command: typeof CONNECT | typeof RELAY,
  { address, port }: Destination,
  login?: SocksLogin,
): Promise<{ readonly socket: Socket; readonly bound: Destination }> {
  const socket = await openSocket(proxy);
  try {
    const wanted = login ? 2 : 0;
    socket.write(Buffer.from([5, 1, wanted]));
    const [, method] = await take(socket, 2);
    if (method !== wanted) throw new Error(`expected method ${wanted}, got ${method}`);
    if (login) {
      socket.write(Buffer.concat([Buffer.from([1]), counted(login.name), counted(login.password)]));
      const [, refused] = await take(socket, 2);
      if (refused !== 0) throw new Error(`expected the login to be taken, got ${refused}`);
    }
    socket.write(Buffer.concat([Buffer.from([5, command, 0]), encodeAddress(address), encodePort(port)]));
    const reply = await take(socket, 10);
    if (reply[1] !== 0) throw new Error(`expected status 0, got ${reply[1]}`);
    return { socket, bound: { address: [...reply.subarray(4, 8)].join("."), port: reply.readUInt16BE(8) } };
  } catch (error) {
    socket.destroy();
    throw new Error(`Cannot connect through SOCKS5 at port ${proxy.port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

export function encodeAddress(address: string): Buffer {
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

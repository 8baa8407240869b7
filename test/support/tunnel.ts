/**
 * A stream through an engine to some destination, whichever protocol carries it.
 *
 * `socks.ts` and `vless.ts` open them, `traffic.ts` moves bytes through them.
 */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

export interface Destination {
  /** IPv4; IPv6 only where no engine is in between. */
  readonly address: string;
  readonly port: number;
}

export interface Tunnel extends Disposable {
  /** The connection to the engine. What is written to it goes to the destination as it is. */
  readonly socket: Socket;
  /** What the destination sends, free of the protocol's own bytes. Can be read once. Rejects at a reset. */
  readonly incoming: AsyncIterable<Buffer>;
}

/** Straight to the destination, as a yardstick. @throws when the connection is refused. */
export async function connectDirectly(destination: Destination): Promise<Tunnel> {
  const socket = await openSocket(destination);
  return { socket, incoming: socket, [Symbol.dispose]: () => socket.destroy() };
}

/**
 * @param from the client's own address and, for those who must know it before, its port.
 * @throws when the connection is refused.
 */
export async function openSocket(
  to: Destination,
  from: { readonly localAddress?: string; readonly localPort?: number } = {},
): Promise<Socket> {
  const socket = createConnection({ host: to.address, port: to.port, ...from, allowHalfOpen: true });
  socket.setNoDelay();
  await once(socket, "connect");
  socket.on("error", () => undefined); // whoever reads it is told as well; before that nobody listens
  return socket;
}

/** 0x01 and four bytes: an IPv4 address as SOCKS5 writes it, and VLESS too. @throws {RangeError} for anything else. */
export function encodeIPv4(address: string): Buffer {
  const parts = address.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) {
    throw new RangeError(`Cannot encode "${address}": expected an IPv4 address`);
  }
  return Buffer.from([0x01, ...parts]);
}

export function encodePort(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff]);
}

/**
 * Speaks VLESS over plain TCP, so that a test needs no second engine and can
 * come from any loopback address.
 *
 *   request  = version(1)=0  uuid(16)  addons<1>=0  command(1)=1  port(2)  type(1)=1 address(4)
 *   response = version(1)=0  addons<1>  payload         (comes with the destination's first bytes)
 *
 * where field<1> is a vector behind a one-byte length. Payload follows the
 * request at once. An engine that does not know the id closes the connection.
 */
import type { Socket } from "node:net";
import { type Destination, encodeIPv4, encodePort, openSocket, type Tunnel } from "./tunnel.ts";

export interface VlessClient {
  readonly server: Destination;
  /** A UUID. */
  readonly id: string;
  /** Engines do not list 127.0.0.1 as online; 127.0.0.2 they do. */
  readonly localAddress?: string;
}

/** Resolves once the engine took the TCP connection; whether it takes the user shows later. */
export async function connectThroughVless(client: VlessClient, destination: Destination): Promise<Tunnel> {
  const { server, localAddress } = client;
  const socket = await openSocket(server, localAddress === undefined ? {} : { localAddress });
  const header = Buffer.concat([
    Buffer.from([0]),
    Buffer.from(client.id.replaceAll("-", ""), "hex"),
    Buffer.from([0, 1]),
    encodePort(destination.port),
    encodeIPv4(destination.address),
  ]);
  socket.write(header);
  return { socket, incoming: withoutHeader(socket), [Symbol.dispose]: () => socket.destroy() };
}

async function* withoutHeader(socket: Socket): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    if (!head) {
      yield bytes;
      continue;
    }
    head = Buffer.concat([head, bytes]);
    const length = 2 + (head[1] ?? 0);
    if (head.length < Math.max(2, length)) continue;
    if (head[0] !== 0) throw new Error(`Cannot read the VLESS response: expected version 0, got ${head[0]}`);
    if (head.length > length) yield head.subarray(length);
    head = undefined;
  }
}

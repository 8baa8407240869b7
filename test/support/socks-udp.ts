/**
 * Datagrams through an engine client's SOCKS5 inbound, ordered from a DatagramOrigin.
 *
 *   datagram = 0 0  fragment(1)=0  type(1)=1 address(4) port(2)  payload        RFC 1928 7
 *
 * The relay stands as long as the TCP connection that asked for it.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type DatagramWish, encodeDatagramOrder } from "./datagram-origin.ts";
import { askSocks, encodeAddress, RELAY } from "./socks.ts";
import type { Arrival } from "./traffic.ts";
import { type Destination, encodePort } from "./tunnel.ts";

export interface DatagramTunnel extends Disposable {
  /** Sends one datagram to the destination. */
  send(payload: Buffer): void;
  /** Payload that arrived so far. */
  readonly down: number;
  readonly arrivals: readonly Arrival[];
}

/** @throws when the proxy refuses or ends before it replied. */
export async function relayThroughSocks(
  proxy: Destination,
  destination: Destination,
): Promise<DatagramTunnel> {
  const { socket: control, bound } = await askSocks(proxy, RELAY, { address: "0.0.0.0", port: 0 });
  const socket = createSocket("udp4");
  socket.on("error", () => undefined); // a relay that is gone: nothing arrives then
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const head = Buffer.concat([
    Buffer.from([0, 0, 0]),
    encodeAddress(destination.address),
    encodePort(destination.port),
  ]);
  const arrivals: Arrival[] = [];
  let down = 0;
  let open = true;
  socket.on("message", (datagram) => {
    const bytes = datagram.length - head.length;
    down += bytes;
    arrivals.push({ at: performance.now(), bytes });
  });
  return {
    send: (payload) => socket.send(Buffer.concat([head, payload]), bound.port, bound.address),
    get down() {
      return down;
    },
    arrivals,
    [Symbol.dispose]: () => {
      if (open) socket.close();
      open = false;
      control.destroy();
    },
  };
}

/** Opens a relay and orders datagrams from the origin. */
export async function fetchDatagrams(
  proxy: Destination,
  origin: Destination,
  wish: DatagramWish,
): Promise<DatagramTunnel> {
  const tunnel = await relayThroughSocks(proxy, origin);
  tunnel.send(encodeDatagramOrder(wish));
  return tunnel;
}

/**
 * The far end of a test's datagrams: a UDP server that sends as many as it is told to.
 *
 *   order = count(4)  size(4)  rate(4)     unsigned, big-endian
 *
 * Nothing holds a sender of datagrams back, so it keeps to `rate` bytes per
 * second, in slices small enough for the buffers on the way: what a late timer
 * left out is not made good. An order of the same peer takes the place of the
 * one before.
 */
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

export interface DatagramWish {
  readonly count: number;
  /** Payload of each, in bytes. */
  readonly size: number;
  /** Bytes per second. */
  readonly rate: number;
}

export interface DatagramOrigin extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Payload that arrived, orders included. */
  readonly received: number;
  /** Payload handed to the kernel. */
  readonly sent: number;
}

const ORDER_LENGTH = 12;
const SLICE_MS = 4;

export function encodeDatagramOrder({ count, size, rate }: DatagramWish): Buffer {
  const order = Buffer.alloc(ORDER_LENGTH);
  for (const [index, field] of [count, size, rate].entries()) order.writeUInt32BE(field, index * 4);
  return order;
}

export async function startDatagramOrigin(address = "127.0.0.1"): Promise<DatagramOrigin> {
  const socket = createSocket("udp4");
  socket.on("error", () => undefined); // a peer that is gone
  const latest = new Map<string, object>();
  let received = 0;
  let sent = 0;
  socket.on("message", (datagram, peer) => {
    received += datagram.length;
    if (datagram.length === ORDER_LENGTH) void serve(datagram, peer);
  });
  socket.bind(0, address);
  await once(socket, "listening");
  const { port } = socket.address();
  const stopping = new AbortController();
  return {
    address,
    port,
    get received() {
      return received;
    },
    get sent() {
      return sent;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      socket.close();
      await once(socket, "close");
    },
  };

  async function serve(datagram: Buffer, peer: RemoteInfo): Promise<void> {
    const [count, size, rate] = [0, 4, 8].map((at) => datagram.readUInt32BE(at)) as [number, number, number];
    const name = `${peer.address}:${peer.port}`;
    latest.set(name, datagram);
    const payload = Buffer.alloc(size, "sluice ");
    let before = performance.now();
    let allowed = 0;
    for (let done = 0; done < count; ) {
      if (stopping.signal.aborted || latest.get(name) !== datagram) return;
      const now = performance.now();
      allowed = Math.min(allowed + ((now - before) * rate) / 1_000, (3 * SLICE_MS * rate) / 1_000);
      before = now;
      for (; allowed >= size && done < count; done++) {
        socket.send(payload, peer.port, peer.address);
        sent += size;
        allowed -= size;
      }
      await delay(SLICE_MS);
    }
  }
}

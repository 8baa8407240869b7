/** One download through a client engine, in one of the ways bytes can travel: a stream, TLS in a stream, datagrams. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { connect as startTls } from "node:tls";
import type { Certificate } from "../support/certificate.ts";
import type { Origin } from "../support/origin.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { type Arrival, startTransfer } from "../support/traffic.ts";
import type { Destination, Tunnel } from "../support/tunnel.ts";
import { firstLine, startNode } from "./children.ts";
import { programPath } from "./program-path.ts";
import { openUdpThroughSocks } from "./udp-through-socks.ts";

export interface Flow extends AsyncDisposable {
  /** Bytes of payload, as the engines understand it, that the client got so far. */
  readonly received: number;
  readonly arrivals: readonly Arrival[];
  /** Whether all came that was wished for. */
  readonly complete: boolean;
}

export interface FlowWish {
  readonly bytes: number;
  /** Bytes per second; as fast as it goes if undefined. */
  readonly rate: number | undefined;
}

/** @param certificate the origin's, if it speaks TLS. */
export async function startStream(
  socks: Destination,
  origin: Origin,
  { bytes, rate }: FlowWish,
  certificate?: Certificate,
): Promise<Flow> {
  const raw = await connectThroughSocks(socks, origin);
  const before = raw.socket.bytesRead;
  const tunnel = certificate ? await withTls(raw, certificate) : raw;
  const transfer = startTransfer(tunnel, { up: 0, down: bytes, ...(rate !== undefined && { rate }) });
  let complete = false;
  void transfer.finished.then(({ outcome }) => {
    complete = outcome === "complete";
  });
  return {
    get received() {
      return raw.socket.bytesRead - before;
    },
    arrivals: transfer.arrivals,
    get complete() {
      return complete;
    },
    [Symbol.asyncDispose]: async () => {
      transfer.stop();
      await transfer.finished;
    },
  };
}

/** From an origin that lasts as long as they do. */
export async function startDatagrams(socks: Destination, { bytes, rate }: FlowWish): Promise<Flow> {
  await using parts = new AsyncDisposableStack();
  const origin = parts.use(startNode([programPath("udp-origin.ts")]));
  const port = Number(await firstLine(origin));
  const arrivals: Arrival[] = [];
  let received = 0;
  const tunnel = parts.use(
    await openUdpThroughSocks(socks, { address: "127.0.0.1", port }, ({ length }) => {
      received += length;
      arrivals.push({ at: performance.now(), bytes: length });
    }),
  );
  const order = Buffer.alloc(16);
  order.writeBigUInt64BE(BigInt(bytes), 0);
  order.writeBigUInt64BE(BigInt(rate ?? 0), 8);
  tunnel.send(order);
  const owned = parts.move();
  return {
    get received() {
      return received;
    },
    arrivals,
    complete: false, // nobody can tell: some are always lost
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function withTls({ socket: raw }: Tunnel, { name, certificatePath }: Certificate): Promise<Tunnel> {
  const socket = startTls({
    socket: raw,
    servername: name,
    ca: await readFile(certificatePath),
    minVersion: "TLSv1.3",
  });
  socket.on("error", () => undefined); // whoever reads it is told as well
  // Vision hands over to the kernel at a record that comes whole, among the first few: the tickets do, by themselves.
  await once(socket, "session");
  await setImmediate(); // what is written within the event stays where it is
  return { socket, incoming: socket, [Symbol.dispose]: () => socket.destroy() };
}

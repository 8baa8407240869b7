/**
 * The far end of a test's traffic: a server that swallows and makes bytes to order.
 *
 *   order = upload(8)  download(8)  rate(8)     unsigned, big-endian
 *
 * The client sends an order, then `upload` bytes; at the same time the origin
 * sends `download` bytes, at `rate` bytes per second in slices of 10 ms, or as
 * fast as it can when `rate` is 0. The last byte of the download waits until the
 * upload has arrived, so it tells the client of both. Then the origin ends its half.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import type { Certificate } from "./certificate.ts";

export const ORDER_LENGTH = 24;

export interface Order {
  /** Bytes from the client, not counting the order. */
  readonly upload: number;
  /** Bytes to the client. */
  readonly download: number;
  /** Bytes per second of the download; 0 is no limit. */
  readonly rate: number;
}

export interface Origin extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Payload that arrived on all connections, orders included. */
  readonly received: number;
  /** Payload handed to the kernel on all connections. */
  readonly sent: number;
  /** Connections that are open now. */
  readonly open: number;
  /** From which addresses there were connections so far. */
  readonly peers: ReadonlySet<string>;
}

const SLICE_MS = 10;
const CHUNK = Buffer.alloc(64 * 1024, "sluice ");

export function encodeOrder({ upload, download, rate }: Order): Buffer {
  const order = Buffer.alloc(ORDER_LENGTH);
  for (const [index, field] of [upload, download, rate].entries()) {
    order.writeBigUInt64BE(BigInt(field), index * 8);
  }
  return order;
}

/**
 * @param port 0 for any that is free.
 * @param certificate makes it speak TLS.
 */
export async function startOrigin(
  address = "127.0.0.1",
  port = 0,
  certificate?: Certificate,
): Promise<Origin> {
  const sockets = new Set<Socket>();
  const peers = new Set<string>();
  let received = 0;
  let sent = 0;
  const take = (socket: Socket) => {
    sockets.add(socket);
    peers.add(socket.remoteAddress ?? "");
    socket.on("error", () => undefined); // a reset is what many tests are about; `close` follows
    socket.on("close", () => sockets.delete(socket));
    serve(socket, {
      received: (count) => {
        received += count;
      },
      sent: (count) => {
        sent += count;
      },
    });
  };
  const server = certificate
    ? createTlsServer({ allowHalfOpen: true, ...(await pemOf(certificate)) }, take)
    : createServer({ allowHalfOpen: true }, take);
  server.listen(port, address);
  await once(server, "listening");
  return {
    address,
    port: portOf(server),
    get received() {
      return received;
    },
    get sent() {
      return sent;
    },
    get open() {
      return sockets.size;
    },
    peers,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function pemOf({ certificatePath, keyPath }: Certificate) {
  return { cert: await readFile(certificatePath), key: await readFile(keyPath) };
}

interface Tally {
  received(count: number): void;
  sent(count: number): void;
}

function serve(socket: Socket, tally: Tally): void {
  let head = Buffer.alloc(0);
  let arrived = 0;
  let sending: Promise<void> | undefined;
  const allArrived = Promise.withResolvers<void>();
  socket.on("data", (bytes) => {
    tally.received(bytes.length);
    arrived += bytes.length;
    if (head.length < ORDER_LENGTH) head = Buffer.concat([head, bytes]);
    if (head.length < ORDER_LENGTH) return;
    const order = decodeOrder(head);
    sending ??= send(socket, order, allArrived.promise, tally);
    if (arrived >= ORDER_LENGTH + order.upload) allArrived.resolve();
  });
  // An upload that breaks off: what was ordered is still sent.
  socket.on("end", () => (sending ? allArrived.resolve() : socket.end()));
}

function decodeOrder(head: Buffer): Order {
  const field = (index: number) => Number(head.readBigUInt64BE(index * 8));
  return { upload: field(0), download: field(1), rate: field(2) };
}

async function send(socket: Socket, order: Order, uploaded: Promise<void>, tally: Tally): Promise<void> {
  const { download, rate } = order;
  const began = performance.now();
  let done = 0;
  const sendUpTo = async (total: number) => {
    while (done < total && socket.writable) {
      const chunk = CHUNK.subarray(0, total - done);
      done += chunk.length;
      tally.sent(chunk.length);
      if (!socket.write(chunk)) await drained(socket);
    }
  };
  while (rate > 0 && done < download - 1 && socket.writable) {
    const due = Math.ceil(((performance.now() - began + SLICE_MS) * rate) / 1_000);
    await sendUpTo(Math.min(due, download - 1));
    await delay(SLICE_MS);
  }
  await sendUpTo(download - 1);
  await uploaded;
  await sendUpTo(download);
  socket.end();
}

/** Resolves too when the connection ends: nothing will ever drain then. */
async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const either = Promise.withResolvers<void>();
  socket.once("drain", either.resolve).once("close", either.resolve);
  await either.promise;
  socket.off("drain", either.resolve).off("close", either.resolve);
}

function portOf(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string")
    throw new Error(`Cannot tell the origin's port from ${bound}`);
  return bound.port;
}

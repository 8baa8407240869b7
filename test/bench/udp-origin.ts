/**
 * The far end of datagrams, as a process of its own: whoever sends and whoever
 * receives would be in each other's way otherwise.
 *
 * Writes its port to standard output. Each order it gets is carried out for its sender:
 *
 *   order = download(8)  rate(8)     unsigned, big-endian
 *
 * `download` bytes in datagrams of 1,200, at `rate` bytes per second in slices
 * of 2 ms. At most BURST of them go in a slice, which is the pace where `rate` is 0.
 */
import { createSocket, type RemoteInfo } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";

const SLICE_MS = 2;
const BURST = 400;
const DATAGRAM = Buffer.alloc(1_200, "sluice ");

const socket = createSocket("udp4");
socket.on("error", () => undefined); // "port unreachable" of whoever is gone
socket.on("message", (order, from) => void send(order, from));
socket.bind(0, "127.0.0.1", () => process.stdout.write(`${socket.address().port}\n`));

async function send(order: Buffer, { address, port }: RemoteInfo): Promise<void> {
  const download = Number(order.readBigUInt64BE(0));
  const rate = Number(order.readBigUInt64BE(8)) || Number.POSITIVE_INFINITY;
  const began = performance.now();
  for (let done = 0; done < download; ) {
    const due = Math.min(download, ((performance.now() - began + SLICE_MS) * rate) / 1_000);
    for (let burst = 0; burst < BURST && done < due; burst++) {
      socket.send(DATAGRAM, port, address);
      done += DATAGRAM.length;
    }
    await delay(SLICE_MS);
  }
}

/**
 * Sends the packets of a bulk transfer through a router as fast as that takes them, and says what each cost.
 *
 *   node bulk-packets.ts INTERFACE ROUTER upload | download
 *
 * The kernel does all of a packet's way within the call that sends it: through the
 * card, into the router, its taps and out of the other card. So the time of many
 * calls is the price of the way. Two packets of data, then one that acknowledges
 * them. On its standard output a line per batch: nanoseconds a packet.
 */
import { randomBytes } from "node:crypto";
import { openCard } from "./packet-card.ts";
import { ACK, tcpFrame } from "./tcp-frame.ts";

const [through, to, way] = process.argv.slice(2) as [string, string, string];
const BATCHES = 100;
const GROUPS = 1_000;
/** Other bytes in each, so that the filter finds now and then what it looks for. */
const SEGMENTS = 512;
const SEGMENT = 1_460;
const [CLIENT_PORT, SERVER_PORT] = [50_000, 443];

const card = openCard(Number(through));
const common = {
  to: Buffer.from(to, "hex"),
  source: [10, 62, 1, 1],
  destination: [10, 62, 2, 2],
  flags: ACK,
};
const up = { sourcePort: CLIENT_PORT, destinationPort: SERVER_PORT };
const down = { sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT };
const [dataWay, backWay] = way === "upload" ? [up, down] : [down, up];
const data = Array.from({ length: SEGMENTS }, (_, index) =>
  tcpFrame({ ...common, ...dataWay, sequence: index * SEGMENT, payload: randomBytes(SEGMENT) }),
);
const acknowledgement = tcpFrame({ ...common, ...backWay, sequence: 1, payload: Buffer.alloc(0) });
for (let batch = 0; batch < BATCHES; batch += 1) {
  const began = process.hrtime.bigint();
  for (let group = 0; group < GROUPS; group += 1) {
    card.send(data[(2 * group) % SEGMENTS] as Buffer);
    card.send(data[(2 * group + 1) % SEGMENTS] as Buffer);
    card.send(acknowledgement);
  }
  process.stdout.write(`${Number(process.hrtime.bigint() - began) / (3 * GROUPS)}\n`);
}

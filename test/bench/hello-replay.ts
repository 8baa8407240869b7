/**
 * Sends the first frames of many flows through a network card, at an even pace: a process of its own, so that
 * what sending costs is not put down to the bench.
 *
 *   node hello-replay.ts INTERFACE SERVER FIRST COUNT RATE
 *
 * INTERFACE is the kernel's number of the card, SERVER the address of the one at the
 * other end in hex, RATE flows a second. On its standard output each flow has a line,
 * "NUMBER MICROSECONDS": when its hello was whole, by the machine's monotonic clock.
 */
import { setTimeout as delay } from "node:timers/promises";
import { framesOf } from "./hello-frames.ts";
import { openCard } from "./packet-card.ts";

/** More at a time would overflow the queue of packets that a card has received (netdev_max_backlog). */
const MOST_AT_ONCE = 50;

const [through, to, first, count, rate] = process.argv.slice(2) as [string, string, string, string, string];
await replay(openCard(Number(through)), Buffer.from(to, "hex"));

async function replay(card: ReturnType<typeof openCard>, server: Uint8Array): Promise<void> {
  const began = performance.now();
  for (let sent = 0; sent < Number(count); ) {
    const due = Math.ceil(((performance.now() - began) * Number(rate)) / 1_000);
    const until = Math.min(due, sent + MOST_AT_ONCE, Number(count));
    let lines = "";
    for (; sent < until; sent++) {
      const flow = Number(first) + sent;
      for (const frame of framesOf(flow, server)) card.send(frame);
      lines += `${flow} ${process.hrtime.bigint() / 1_000n}\n`;
    }
    if (lines !== "") process.stdout.write(lines);
    await delay(1);
  }
}

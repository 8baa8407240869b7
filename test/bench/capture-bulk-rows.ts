/**
 * The rows on bulk data that goes through the machine: what the capture costs that has nothing to find in it.
 *
 * Two figures, added up: the CPU of the capture and tcpdump, and the kernel's part,
 * which has no process of its own. That is so many packets a second times the price of
 * one, and the price is what a packet's way through the machine takes longer with the
 * capture than without, in turns. (The machine's busy time with and without it differs
 * by less than it does by itself.)
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { entering, FAR, type Namespace } from "../support/namespaces.ts";
import type { CaptureStage } from "./capture-stage.ts";
import { firstLine, startNode } from "./children.ts";
import { programPath } from "./program-path.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

export interface BulkPlan {
  /** Times that the price of a packet is taken with the capture, and as often without. */
  readonly rounds: number;
  /** For how long a transfer is watched. */
  readonly windowMs: number;
}

type Way = "upload" | "download";
/** As cards hand them over that join what belongs together, or as they are on the wire. */
type Packets = "joined" | "single";

const WAYS: readonly Way[] = ["upload", "download"];
const LINE_BITS = 1e9;
const MOST_PERCENT = 3;
/** Of the batches' prices: one that nothing else on the machine disturbed. */
const UNDISTURBED = 10;
/** After the capture's start, until it does nothing but capture. */
const SETTLE_MS = 1_500;

export async function* captureBulkRows(stage: CaptureStage, plan: BulkPlan): AsyncGenerator<Row> {
  for (const way of WAYS) {
    const price = await packetPrice(stage, way, plan.rounds);
    for (const packets of ["joined", "single"] as const) {
      yield rowOf(way, packets, price, await transfer(stage, way, packets, plan.windowMs));
    }
  }
}

/** Nanoseconds. */
interface Price {
  readonly without: number;
  readonly more: number;
}

async function packetPrice(stage: CaptureStage, way: Way, rounds: number): Promise<Price> {
  const pairs: Price[] = [];
  while (pairs.length < rounds) {
    const without = await onePrice(stage, way);
    await using capture = await stage.capture();
    await delay(SETTLE_MS);
    void capture;
    pairs.push({ without, more: (await onePrice(stage, way)) - without });
  }
  return {
    without: median(pairs.map((pair) => pair.without)),
    more: median(pairs.map((pair) => pair.more)),
  };
}

async function onePrice(stage: CaptureStage, way: Way): Promise<number> {
  await using sender = stage.send("bulk-packets.ts", [way]);
  const prices: number[] = [];
  for await (const line of createInterface({ input: sender.stdout })) prices.push(Number(line));
  return percentile(prices, UNDISTURBED);
}

/** Of a transfer, by the second of it: bits and packets through the machine, seconds of its CPU for the capture. */
interface Transfer {
  readonly bits: number;
  readonly packets: number;
  readonly own: number;
}

async function transfer(stage: CaptureStage, way: Way, packets: Packets, ms: number): Promise<Transfer> {
  await using parts = new AsyncDisposableStack();
  const { client, far, server } = stage;
  const sender = way === "upload" ? client : far;
  parts.use(await pace(sender, packets));
  const task = (end: Namespace) => [programPath("bulk-traffic.ts"), end === sender ? "sends" : "reads"];
  const listener = parts.use(startNode(task(far), entering(far.name)));
  await firstLine(listener);
  parts.use(startNode([...task(client), FAR[4]], entering(client.name)));
  const capture = parts.use(await stage.capture());
  await delay(SETTLE_MS);
  const look = async () => ({ ...(await through(server)), at: performance.now(), own: await capture.cpu() });
  const before = await look();
  await delay(ms);
  const after = await look();
  const seconds = (after.at - before.at) / 1_000;
  return {
    bits: (8 * (after.bytes - before.bytes)) / seconds,
    packets: (after.packets - before.packets) / seconds,
    own: (after.own - before.own) / 1_000 / seconds,
  };
}

/** Has the line from a namespace on carry so much and no more. */
async function pace(sender: Namespace, packets: Packets): Promise<AsyncDisposable> {
  const joining = (most: number) => sender.run("ip", ["link", "set", "server", "gso_max_segs", String(most)]);
  const shape = ["rate", String(LINE_BITS), "burst", "256kb", "latency", "20ms"];
  await sender.run("tc", ["qdisc", "add", "dev", "server", "root", "tbf", ...shape]);
  await joining(packets === "single" ? 1 : MOST_JOINED);
  return {
    [Symbol.asyncDispose]: async () => {
      await sender.run("tc", ["qdisc", "delete", "dev", "server", "root"]);
      await joining(MOST_JOINED);
    },
  };
}

/** GSO_MAX_SEGS in linux/netdevice.h. */
const MOST_JOINED = 65_535;

interface Came {
  readonly bytes: number;
  readonly packets: number;
}

/** What came in from both sides. */
async function through(server: Namespace): Promise<Came> {
  const cards = JSON.parse(await server.run("ip", ["-j", "-s", "link", "show"])) as readonly CardFigures[];
  const came = cards.map(({ stats64 }) => stats64.rx);
  const sum = (values: readonly number[]) => values.reduce((left, right) => left + right, 0);
  return { bytes: sum(came.map(({ bytes }) => bytes)), packets: sum(came.map(({ packets }) => packets)) };
}

interface CardFigures {
  readonly stats64: { readonly rx: Came };
}

/** The kernel's part is put at the whole rate; the capture's own hardly goes by the rate, so it stays as it was. */
function rowOf(way: Way, packets: Packets, price: Price, { bits, packets: rate, own }: Transfer): Row {
  const wholeRate = rate * (LINE_BITS / bits);
  const kernel = wholeRate * price.more * 1e-9;
  const percent = (share: number) => `${number(100 * share, 1)} %`;
  const kind = packets === "joined" ? "packets joined up to 64 KB" : "packets of 1,500 bytes";
  return {
    what: `Capture: 1 Gbit/s of ${way} through the machine, ${kind}`,
    ratio: `${percent(own + kernel)} of a core`,
    figures: `${percent(own)} itself with tcpdump, at ${number(bits / 1e9, 2)} Gbit/s; ${percent(kernel)} in the kernel: ${number(price.more)} ns on top of ${number(price.without)} a packet, ${number(wholeRate)} a second`,
    target: { text: `<= ${MOST_PERCENT} %`, met: 100 * (own + kernel) <= MOST_PERCENT },
  };
}

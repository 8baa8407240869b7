/** The rows on a flood of new flows: whether every name is found, and what that costs. */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../support/until.ts";
import type { BuiltCapture, CaptureStage } from "./capture-stage.ts";
import { nameOf } from "./hello-frames.ts";
import { memoryBytes } from "./process-cost.ts";
import { number, type Row } from "./table.ts";

const RATE = 5_000;
const MOST_RESIDENT = 90e6;
const QUIET_MS = 10_000;

/** @param count of flows, each with a name of its own. */
export async function* captureLoadRows(stage: CaptureStage, count: number): AsyncGenerator<Row> {
  await using capture = await stage.capture();
  const empty = await memoryBytes(capture.pid, "VmRSS");
  const before = await capture.cpu();
  const began = performance.now();
  const rate = await sendAll(stage, count);
  const took = performance.now() - began;
  await until(
    "the list stands still",
    () => isStill(capture),
    15_000,
    () => capture.desk.status(),
  );
  const cpu = (await capture.cpu()) - before;
  yield namesRow(await capture.lines(), count, rate);
  yield await dropsRow(capture);
  yield {
    what: "Capture: CPU of it and tcpdump meanwhile",
    ratio: `${number(cpu / took, 2)} cores`,
    figures: `${number(cpu)} ms in ${number(took)} ms, ${number((cpu / count) * 1_000)} µs a flow; peaks ${await peaks(capture)}`,
    target: { text: "<= 1 core", met: cpu <= took },
  };
  await delay(QUIET_MS);
  const resident = await memoryBytes(capture.pid, "VmRSS");
  const anonymous = await memoryBytes(capture.pid, "RssAnon");
  yield {
    what: `Capture: memory with ${number(count)} hosts, after ${QUIET_MS / 1_000} s of quiet`,
    ratio: `${number(resident / empty, 2)} x empty`,
    figures: `${megabytes(resident)} resident, ${megabytes(anonymous)} of it not of files; empty ${megabytes(empty)}`,
    target: { text: `<= ${megabytes(MOST_RESIDENT)}`, met: resident <= MOST_RESIDENT },
  };
}

/** @returns flows a second, as they were really sent. */
async function sendAll(stage: CaptureStage, count: number): Promise<number> {
  await using replay = stage.replay({ first: 0, count, rate: RATE });
  const times: number[] = [];
  for await (const line of createInterface({ input: replay.stdout })) times.push(Number(line.split(" ")[1]));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  if (times.length !== count) throw new Error(`Cannot send flows: ${replay.stderr()}`);
  return count / ((last - first) / 1e6);
}

/** Whether nothing was added within a second, in the list or in the file. */
async function isStill({ desk }: BuiltCapture): Promise<boolean> {
  const { hosts } = await desk.status();
  await delay(1_000);
  const after = await desk.status();
  return after.hosts === hosts && after.waiting === 0;
}

function namesRow(lines: readonly string[], count: number, rate: number): Row {
  const names = lines.map((line) => line.slice(0, line.indexOf("|")));
  const found = new Set(names);
  const asked = new Set(Array.from({ length: count }, (_, index) => nameOf(index)));
  const missing = asked.difference(found).size;
  const invented = found.difference(asked).size;
  const twice = names.length - found.size;
  return {
    what: `Capture: ${number(count)} names at ${number(rate)} new flows a second`,
    ratio: `${number((100 * (count - missing)) / count, 2)} % found`,
    figures: `${missing} missing, ${twice} twice, ${invented} invented`,
    target: { text: "all, once", met: missing + twice + invented === 0 },
  };
}

/** The kernel's own figure, as the capture tells it; it asks every 5 s. */
async function dropsRow({ desk }: BuiltCapture): Promise<Row> {
  const before = (await desk.status()).uptimeMs;
  const { taps, flows } = await until(
    "tcpdump was asked once more",
    async () => {
      const status = await desk.status();
      return status.uptimeMs > before + 6_000 && status;
    },
    10_000,
  );
  const dropped = taps.reduce((sum, tap) => sum + tap.dropped, 0);
  return {
    what: "Capture: packets the kernel dropped meanwhile",
    ratio: "",
    figures: `${dropped} of ${number(flows.segments)} taken; ${flows.evicted} flows evicted, ${flows.expired} expired`,
    target: { text: "none", met: dropped === 0 },
  };
}

async function peaks({ pid, tcpdump }: BuiltCapture): Promise<string> {
  const [own, child] = await Promise.all([memoryBytes(pid, "VmHWM"), memoryBytes(tcpdump, "VmHWM")]);
  return `${megabytes(own)} resident, tcpdump ${megabytes(child)}`;
}

function megabytes(bytes: number): string {
  return `${number(bytes / 1e6, 1)} MB`;
}

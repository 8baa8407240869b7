/** The row on how soon a name shows to somebody who watches. */
import { createInterface } from "node:readline";
import type { BuiltCapture, CaptureStage } from "./capture-stage.ts";
import { nameOf } from "./hello-frames.ts";
import { percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const RATE = 28;
const LONGEST_MS = 100;
const GIVE_UP_MS = 30_000;

/** @param count of names, one after the other. */
export async function* captureLatencyRows(stage: CaptureStage, count: number): AsyncGenerator<Row> {
  await using capture = await stage.capture();
  const stop = AbortSignal.timeout(GIVE_UP_MS);
  const shown = watched(capture, count, stop);
  const sent = new Map<string, number>();
  await using replay = stage.replay({ first: 0, count, rate: RATE });
  for await (const line of createInterface({ input: replay.stdout })) {
    const [flow, at] = line.split(" ").map(Number) as [number, number];
    sent.set(nameOf(flow), at / 1_000);
  }
  const times = [...(await shown)].map(([name, at]) => at - (sent.get(name) ?? 0));
  if (times.length !== count) throw new Error(`Cannot measure: ${times.length} of ${count} names were shown`);
  const at = (percent: number) => percentile(times, percent);
  yield {
    what: `Capture: from a hello's last packet to the name in a watch, ${count} names`,
    ratio: "",
    figures: `median ${number(at(50), 1)} ms, 95th ${number(at(95), 1)} ms, slowest ${number(at(100), 1)} ms`,
    target: { text: `95th <= ${LONGEST_MS} ms`, met: at(95) <= LONGEST_MS },
  };
}

/** When each name was shown, in ms of the machine's monotonic clock. Ends with the last of them. */
async function watched(
  capture: BuiltCapture,
  count: number,
  stop: AbortSignal,
): Promise<Map<string, number>> {
  const shown = new Map<string, number>();
  for await (const { hosts } of capture.desk.watch(stop)) {
    const at = Number(process.hrtime.bigint()) / 1e6;
    for (const { host } of hosts) shown.set(host, at);
    if (shown.size >= count) break;
  }
  return shown;
}

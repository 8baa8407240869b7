/** The rows on payload received beyond the limit: with a gate, and beside it by Sluice's cut alone. */
import type { EngineProgram } from "../support/engines.ts";
import type { Carrier } from "./carriers.ts";
import { gateUser, type Keeping, openGateStage } from "./gate-stage.ts";
import { median } from "./statistics.ts";
import { type DownloadPlan, downloadUntilStopped, type StoppedDownload } from "./stopped-download.ts";
import { number, type Row } from "./table.ts";

export interface OvershootPlan {
  readonly downloads: readonly DownloadPlan[];
  /** How often each is tried with a gate; the worst counts. */
  readonly repeats: number;
}

/** Bytes. */
export const MOST_BEYOND = 64 * 1024;
export const MOST_SHORT = 256 * 1024;

export async function* overshootRows(
  program: EngineProgram,
  carriers: readonly Carrier[],
  { downloads, repeats }: OvershootPlan,
): AsyncGenerator<Row> {
  for (const carrier of carriers) {
    const gated = await downloadsOn(program, carrier, "gates", downloads, repeats);
    const free = await downloadsOn(program, carrier, "cuts", downloads, 1);
    for (const [index, plan] of downloads.entries()) {
      yield overshootRow(carrier, plan, gated[index] ?? [], free[index] ?? []);
    }
  }
}

/** Each plan `repeats` times, one after the other. */
async function downloadsOn(
  program: EngineProgram,
  carrier: Carrier,
  keeping: Keeping,
  plans: readonly DownloadPlan[],
  repeats: number,
): Promise<readonly (readonly StoppedDownload[])[]> {
  const users = plans.map((_, plan) =>
    Array.from({ length: repeats }, (__, index) => gateUser(carrier, `${plan}-${index}`)),
  );
  await using stage = await openGateStage(program, carrier, users.flat(), keeping);
  const results: StoppedDownload[][] = [];
  for (const [index, plan] of plans.entries()) {
    const each: StoppedDownload[] = [];
    for (const user of users[index] ?? []) each.push(await downloadUntilStopped(stage, user, plan));
    results.push(each);
  }
  return results;
}

function overshootRow(
  { name, inside }: Carrier,
  { limit, rate }: DownloadPlan,
  gated: readonly StoppedDownload[],
  free: readonly StoppedDownload[],
): Row {
  const beyond = gated.map((each) => each.beyond);
  const [least, most] = [Math.min(...beyond), Math.max(...beyond)];
  const leastBooked = Math.min(...gated.map((each) => each.booked));
  // Datagrams that were lost behind the engine are his all the same.
  const leastHis = inside === "datagrams" ? leastBooked : least;
  const alone = Math.max(...free.map((each) => each.beyond));
  const otherwise = gated.filter(({ by }) => by?.step !== "gate");
  const spread = gated.length === 1 ? kilobytes(most) : `${kilobytes(least)} to ${kilobytes(most)}`;
  return {
    what: `${name}, ${rate === undefined ? "flat out" : `${number(rate / 1e6)} MB/s`}, ${gated.length} x to the limit`,
    ratio: `${number(most / MOST_BEYOND, 1)} x ${MOST_BEYOND / 1024} KiB; cut alone ${number(alone / MOST_BEYOND, 1)} x`,
    figures: [
      `beyond ${number(limit / 1e6)} MB: gate ${spread}, cut alone ${kilobytes(alone)}`,
      `in the books ${kilobytes(leastBooked)}`,
      `came at ${number(median(gated.map(({ pace }) => pace)) / 1e6)} MB/s`,
      ...(otherwise.length > 0 ? [`${otherwise.length} NOT BY A GATE (${wordsOf(otherwise)})`] : []),
      ...(free.every(({ by }) => by !== undefined) ? [] : ["cut alone: NOT CUT"]),
    ].join("; "),
    target: {
      text: `by a gate, <= ${MOST_BEYOND / 1024} KiB beyond, >= limit - ${MOST_SHORT / 1024} KiB`,
      met: most <= MOST_BEYOND && leastHis >= -MOST_SHORT && otherwise.length === 0,
    },
  };
}

/** What the daemon says of those it did not stop by a gate. */
function wordsOf(otherwise: readonly StoppedDownload[]): string {
  return [...new Set(otherwise.map(({ by }) => by?.text ?? "not stopped at all"))].join("; ");
}

function kilobytes(count: number): string {
  return `${number(count / 1_000)} kB`;
}

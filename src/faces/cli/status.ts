/** `status`. */
import type { Settings } from "../../config.ts";
import type { Status, UserRow } from "../../control/rows.ts";
import { UnreachableError } from "../../errors.ts";
import { CaptureClient, captureSocket } from "../../hosts/capture-client.ts";
import type { CaptureStatus } from "../../hosts/capture-desk.ts";
import { controlPath, daemonDesk } from "./access.ts";
import { tableText } from "./columns.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

export async function showStatus(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  const daemon = await daemonDesk(settings);
  if (!daemon) {
    throw new UnreachableError(
      `Cannot reach the daemon at ${controlPath(settings)}: it is not running, or you may not ask it (root may). Start it with: sluice enforce`,
    );
  }
  using _client = daemon.client;
  const stops = stopCounts(await daemon.client.listUsers(""));
  const capture = await captureStatus(settings);
  answer(options, { ...daemon.status, stops: Object.fromEntries(stops), capture: capture ?? null }, () =>
    [statusText(daemon.status, stops), captureLine(settings, capture)].join("\n\n"),
  );
}

/** Undefined while no capture answers. */
export async function captureStatus(settings: Settings): Promise<CaptureStatus | undefined> {
  try {
    return await new CaptureClient(captureSocket(settings)).status();
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

function captureLine({ hosts }: Settings, status: CaptureStatus | undefined): string {
  if (!hosts) return "Host capture: switched off";
  if (!status) return "Host capture: does not run (sluice hosts on)";
  const silent = status.taps.filter(({ trouble }) => trouble !== "").length;
  return `Host capture: ${status.hosts} hosts; ${status.taps.length - silent} of ${status.taps.length} taps work (sluice hosts status)`;
}

/** By what accounts are stopped at their limit, at each keeper. */
interface StopCounts {
  readonly gate: number;
  readonly cut: number;
  readonly report: number;
}

function stopCounts(rows: readonly UserRow[]): ReadonlyMap<string, StopCounts> {
  const counts = new Map<string, StopCounts>();
  for (const { keeper, step } of rows.flatMap(({ stops }) => stops)) {
    const before = counts.get(keeper) ?? { gate: 0, cut: 0, report: 0 };
    counts.set(keeper, { ...before, [step]: before[step] + 1 });
  }
  return counts;
}

function statusText(status: Status, stops: ReadonlyMap<string, StopCounts>): string {
  const lines = [
    `Sluice ${status.version}, pid ${status.pid}, up ${Math.round(status.uptimeMs / 1000)} s, mode ${status.mode}`,
    `${status.accounts} accounts, ${status.denied} denied; limits count ${status.count}; days in ${status.timeZone}; state in ${status.stateDirectory}`,
    status.saveTrouble === "" ? "Disk: all saved" : `Disk: NOT SAVED, ${status.saveTrouble}`,
  ];
  for (const source of status.sources) {
    const last = source.lastLookMs === 0 ? "never" : new Date(source.lastLookMs).toISOString();
    const health = source.answering ? "answers" : `DOES NOT ANSWER (${source.trouble})`;
    lines.push(
      "",
      `${source.name}: ${health}; last look ${last}, every ${source.periodMs} ms, ${source.close} users more often`,
    );
    const counts = stops.get(source.name);
    if (counts) {
      const { gate, cut, report } = counts;
      lines.push(
        `  at their limit: ${gate} stopped by a gate, ${cut} cut, ${report} only reported (sluice user NAME, sluice doctor)`,
      );
    }
    for (const note of source.notes) lines.push(`  - ${note}`);
  }
  const jobs = tableText(
    [
      { title: "JOB", align: "left" },
      { title: "RUNS", align: "right" },
      { title: "FAILED", align: "right" },
      { title: "SKIPPED TICKS", align: "right" },
      { title: "LAST MS", align: "right" },
      { title: "LONGEST MS", align: "right" },
      { title: "LAG MS", align: "right" },
    ],
    status.jobs.map((job) => [
      job.name,
      String(job.runs),
      String(job.failures),
      String(job.skippedTicks),
      job.lastMs.toFixed(1),
      job.longestMs.toFixed(1),
      job.lastLagMs.toFixed(1),
    ]),
  );
  return [...lines, "", jobs].join("\n");
}

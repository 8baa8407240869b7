/**
 * How the daemon does.
 *
 * Pure: no clock, no I/O.
 */
import type { OpenvpnServerRow, Status } from "../../../control/rows.ts";
import { counter, type Family, flag, gauge, histogramSamples, sample } from "./family.ts";

/** @param status undefined: it does not answer. */
export function daemonFamilies(status: Status | undefined): readonly Family[] {
  const up = gauge("sluice_up", "Whether the daemon answers.", flag(status !== undefined));
  if (!status) return [up];
  const { sources } = status;
  return [
    up,
    gauge("sluice_uptime_seconds", "Since the daemon started.", sample(status.uptimeMs / 1_000)),
    gauge(
      "sluice_observing",
      "Whether the daemon only says whom it would cut.",
      flag(status.mode === "observe"),
    ),
    gauge(
      "sluice_save_trouble",
      "Whether the disk refuses to take something.",
      flag(status.saveTrouble !== ""),
    ),
    gauge(
      "sluice_source_up",
      "Whether an engine, or another keeper of counters, answers.",
      ...sources.map(({ name, answering }) => flag(answering, { source: name })),
    ),
    gauge(
      "sluice_source_last_look_timestamp_seconds",
      "When its counters were read last; 0 never.",
      ...sources.map(({ name, lastLookMs }) => sample(lastLookMs / 1_000, { source: name })),
    ),
    gauge(
      "sluice_source_period_seconds",
      "How often its counters are read at present.",
      ...sources.map(({ name, periodMs }) => sample(periodMs / 1_000, { source: name })),
    ),
    gauge(
      "sluice_source_query_duration_seconds",
      "How long the last read of its counters took, booking included.",
      ...status.jobs
        .filter((job) => sources.some(({ name }) => name === job.name))
        .map((job) => sample(job.lastMs / 1_000, { source: job.name })),
    ),
    counter(
      "sluice_block_actions_total",
      "How often a keeper was told to cut a user or to restore him, and what came of it.",
      ...status.gateActions.map(({ keeper, action, result, count }) =>
        sample(count, { source: keeper, action, result }),
      ),
    ),
    ...jobFamilies(status),
  ];
}

function jobFamilies({ jobs, spanBoundsMs }: Status): readonly Family[] {
  const of = (value: (job: Status["jobs"][number]) => number) =>
    jobs.map((job) => sample(value(job), { job_name: job.name }));
  const histogram = (name: string, help: string, spans: "durations" | "lags"): Family => ({
    ...{ name, help, type: "histogram" },
    samples: jobs.flatMap((job) => histogramSamples(job[spans], spanBoundsMs, { job_name: job.name })),
  });
  return [
    histogram("sluice_tick_duration_seconds", "How long the scheduler's jobs take.", "durations"),
    histogram("sluice_tick_delay_seconds", "How far behind their due time they begin.", "lags"),
    gauge(
      "sluice_tick_lag_seconds",
      "How far behind its due time the last run began.",
      ...of(({ lastLagMs }) => lastLagMs / 1_000),
    ),
    counter(
      "sluice_tick_skipped_total",
      "Ticks at which a job was due and could not begin.",
      ...of(({ skippedTicks }) => skippedTicks),
    ),
    counter("sluice_job_failures_total", "Runs that failed.", ...of(({ failures }) => failures)),
  ];
}

export function openvpnFamilies(servers: readonly OpenvpnServerRow[]): readonly Family[] {
  return [
    gauge(
      "sluice_openvpn_up",
      "Whether an OpenVPN server answers.",
      ...servers.map(({ name, answering }) => flag(answering, { server: name })),
    ),
    gauge(
      "sluice_openvpn_logins",
      "Logins that last, at servers that answer.",
      ...servers
        .filter(({ answering }) => answering)
        .map(({ name, logins }) => sample(logins, { server: name })),
    ),
  ];
}

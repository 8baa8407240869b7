/**
 * How the capture and the web itself do.
 *
 * Pure: no clock, no I/O.
 */
import type { CaptureStatus } from "../../../hosts/capture-desk.ts";
import { counter, type Family, flag, gauge, sample } from "./family.ts";

export interface WebFacts {
  readonly version: string;
  /** Pages that are open. */
  readonly viewers: number;
  readonly refusals: ReadonlyMap<string, number>;
  /** Answers by the class of their status: "2xx". */
  readonly answers: ReadonlyMap<string, number>;
  readonly residentBytes: number;
  /** Of user and system together. */
  readonly cpuSeconds: number;
  /** Unix time. */
  readonly startedSeconds: number;
}

export function webFamilies(facts: WebFacts): readonly Family[] {
  return [
    gauge("sluice_build_info", "Always 1.", sample(1, { version: facts.version })),
    gauge("sluice_web_viewers", "Pages that are open and told what changes.", sample(facts.viewers)),
    counter(
      "sluice_web_refusals_total",
      "Requests that the web refused.",
      ...[...facts.refusals].map(([reason, count]) => sample(count, { reason })),
    ),
    counter(
      "sluice_web_requests_total",
      "Requests that the web answered, by the class of their status.",
      ...[...facts.answers].map(([status, count]) => sample(count, { status })),
    ),
    gauge("process_resident_memory_bytes", "Of the web.", sample(facts.residentBytes)),
    counter("process_cpu_seconds_total", "Of the web, user and system.", sample(facts.cpuSeconds)),
    gauge("process_start_time_seconds", "When the web started, Unix time.", sample(facts.startedSeconds)),
  ];
}

/** @param status undefined: it does not answer. */
export function captureFamilies(status: CaptureStatus | undefined): readonly Family[] {
  const up = gauge("sluice_capture_up", "Whether the host capture answers.", flag(status !== undefined));
  if (!status) return [up];
  const { taps, flows } = status;
  return [
    up,
    gauge("sluice_capture_hosts", "Hosts in the list.", sample(status.hosts)),
    gauge(
      "sluice_capture_save_trouble",
      "Whether the list's file takes no more.",
      flag(status.saveTrouble !== ""),
    ),
    gauge(
      "sluice_capture_tap_up",
      "Whether packets or lines can come from there.",
      ...taps.map(({ name, trouble }) => flag(trouble === "", { tap: name })),
    ),
    counter(
      "sluice_capture_taken_total",
      "Packets or lines that were taken.",
      ...taps.map(({ name, taken }) => sample(taken, { tap: name })),
    ),
    counter(
      "sluice_capture_dropped_total",
      "Packets that the kernel dropped because nobody took them in time.",
      ...taps.map(({ name, dropped }) => sample(dropped, { tap: name })),
    ),
    counter(
      "sluice_capture_evicted_total",
      "Beginnings of connections that left for newer ones: names may be missing.",
      sample(flows.evicted),
    ),
  ];
}

/**
 * Figures as Prometheus has them: families of samples.
 *
 * Pure: no clock, no I/O.
 */
import type { Spans } from "../../../control/rows.ts";

export interface Family {
  /** With "_total" if it is a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Of a histogram's part: "_bucket", "_sum", "_count". */
  readonly part?: string;
}

export type Labels = Readonly<Record<string, string | number>>;

export function gauge(name: string, help: string, ...samples: readonly Sample[]): Family {
  return { name, help, type: "gauge", samples };
}

export function counter(name: string, help: string, ...samples: readonly Sample[]): Family {
  return { name, help, type: "counter", samples };
}

export function sample(value: number, labels: Labels = {}): Sample {
  return { labels, value };
}

export function flag(yes: boolean, labels: Labels = {}): Sample {
  return sample(yes ? 1 : 0, labels);
}

/** @param boundsMs of all counts but the last. */
export function histogramSamples(
  { counts, sumMs }: Spans,
  boundsMs: readonly number[],
  labels: Labels,
): readonly Sample[] {
  let below = 0;
  const buckets = boundsMs.map((bound, index) => {
    below += counts[index] ?? 0;
    return { part: "_bucket", labels: { ...labels, le: bound / 1_000 }, value: below };
  });
  const all = counts.reduce((sum, count) => sum + count, 0);
  return [
    ...buckets,
    { part: "_bucket", labels: { ...labels, le: "+Inf" }, value: all },
    { part: "_sum", labels, value: sumMs / 1_000 },
    { part: "_count", labels, value: all },
  ];
}

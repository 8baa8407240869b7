/** Families as the text that Prometheus reads, in either of its formats. */
import { type Metric, Registry } from "prom-client";
import type { Family } from "./family.ts";

export type Format = "openmetrics" | "text";

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
  text: Registry.PROMETHEUS_CONTENT_TYPE,
};

/** What a scraper asks for, by its Accept header. */
export function formatFor(accept: string | undefined): Format {
  return accept?.includes("application/openmetrics-text") ? "openmetrics" : "text";
}

/**
 * A family without samples is left out.
 *
 * @param node this host's name, a label of every sample.
 */
export function exposition(families: readonly Family[], node: string, format: Format): Promise<string> {
  const registry = new Registry();
  if (format === "openmetrics") registry.setContentType(CONTENT_TYPES.openmetrics as never);
  registry.setDefaultLabels({ node });
  for (const family of families) {
    if (family.samples.length > 0) registry.registerMetric(metricOf(family, format));
  }
  return registry.metrics();
}

/** What the registry asks of a metric: its own would be counted up, where ours are read off. */
function metricOf({ name, help, type, samples }: Family, format: Format): Metric {
  // OpenMetrics names a counter without the "_total" of its samples; the registry puts that there.
  const bare = format === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
  const values = samples.map(({ labels, value, part }) => ({
    ...{ labels, value },
    ...(part === undefined ? {} : { metricName: name + part }),
  }));
  return {
    name: bare,
    help,
    type,
    get: async () => ({ name: bare, help, type, values }),
  } as unknown as Metric;
}

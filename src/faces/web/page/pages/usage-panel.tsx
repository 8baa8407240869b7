/** What moved in the last day, week, month or year, of one account or of all together. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Range, UsageBody } from "../../wire.ts";
import { dateTime, size } from "../format.ts";
import { Chart } from "../kit/chart.tsx";
import { Tabs } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { keepQuery, route } from "../router.ts";
import { viewer } from "../session.ts";
import { isByDays, usagePoints } from "../usage-points.ts";

const RANGES = [
  ["24h", "24 h"],
  ["7d", "7 days"],
  ["30d", "30 days"],
  ["12m", "12 months"],
] as const;
const REFRESH_MS = 60_000;

/** @param path of the API: "usage", "accounts/bob/usage". */
export function UsagePanel({ path }: { readonly path: string }) {
  const asked = route.value.query.get("range");
  const range = useSignal<Range>(RANGES.find(([one]) => one === asked)?.[0] ?? "24h");
  const { body, error } = useFetched<UsageBody>(`${path}?range=${range.value}`, REFRESH_MS);
  const timeZone = viewer()?.timeZone ?? "UTC";
  const points = useMemo(() => {
    const now = Date.now();
    return body && usagePoints(body, now, dateTime(now, timeZone).slice(0, 10));
  }, [body, timeZone]);
  const sum = (values: readonly number[]): string => size(values.reduce((all, one) => all + one, 0));
  const byDays = isByDays(body?.range ?? range.value);
  const choose = (chosen: Range): void => {
    range.value = chosen;
    keepQuery({ range: chosen });
  };
  return (
    <Panel
      title="Usage"
      tools={<Tabs label="Time shown" value={range.value} options={RANGES} onChange={choose} />}
    >
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {points ? (
        <>
          <Chart
            title="Usage"
            bars
            at={points.at}
            series={[
              { label: "Downlink", ink: "downlink", values: points.downlink },
              { label: "Uplink", ink: "uplink", values: points.uplink },
            ]}
            format={size}
            formatAt={(at) =>
              byDays ? dateTime(at * 1000, "UTC").slice(0, 10) : dateTime(at * 1000, timeZone).slice(0, 16)
            }
            timeZone={byDays ? "UTC" : timeZone}
          />
          <p class="note">
            In this time: downlink {sum(points.downlink)}, uplink {sum(points.uplink)}
          </p>
        </>
      ) : (
        <div class="chart-place" />
      )}
    </Panel>
  );
}

/** How many clients there were, by the hour. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ConnectionHoursBody } from "../../wire.ts";
import { dateTime, whole } from "../format.ts";
import { Chart } from "../kit/chart.tsx";
import { Tabs } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { hourColumns } from "./hours.ts";

type Span = "24" | "168" | "720";

const REFRESH_MS = 60_000;
const NO_HOURS: ConnectionHoursBody["hours"] = [];

export function HoursPanel({ timeZone }: { readonly timeZone: string }) {
  const span = useSignal<Span>("24");
  const { body, error } = useFetched<ConnectionHoursBody>(
    `connections/history?hours=${span.value}`,
    REFRESH_MS,
  );
  const hours = body?.hours ?? NO_HOURS;
  const { at, addresses, connections } = useMemo(() => hourColumns(hours), [hours]);
  return (
    <Panel
      title="By the hour"
      tools={
        <Tabs
          label="How far back"
          value={span.value}
          options={[
            ["24", "24 h"],
            ["168", "7 d"],
            ["720", "30 d"],
          ]}
          onChange={(chosen) => {
            span.value = chosen;
          }}
        />
      }
    >
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {body && at.length === 0 && <p class="empty">No client was seen in this time.</p>}
      {at.length > 0 && (
        <Chart
          title="Clients by the hour"
          at={at}
          series={[
            { label: "Connections", ink: "uplink", values: connections },
            { label: "Addresses", ink: "downlink", values: addresses },
          ]}
          format={whole}
          formatAt={(second) => dateTime(second * 1000, timeZone).slice(0, 16)}
          timeZone={timeZone}
          counts
        />
      )}
    </Panel>
  );
}

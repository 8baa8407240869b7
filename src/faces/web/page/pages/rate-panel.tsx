/** The rates of the last minutes, as they are told. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clockTime, rate } from "../format.ts";
import { Chart } from "../kit/chart.tsx";
import { Panel } from "../kit/panel.tsx";
import { KEPT_S, NO_TRACK, withRate } from "../rate-track.ts";
import { viewer } from "../session.ts";

interface RatePanelProps {
  /** When these were told, ms since 1970. */
  readonly at: number;
  /** Bytes a second. */
  readonly uplink: number;
  readonly downlink: number;
}

export function RatePanel({ at, uplink, downlink }: RatePanelProps) {
  const track = useSignal(NO_TRACK);
  const timeZone = viewer()?.timeZone ?? "UTC";
  useEffect(() => {
    if (at > 0) track.value = withRate(track.value, at, uplink, downlink);
  }, [at]);
  return (
    <Panel title="Rate">
      <Chart
        title="Rate"
        movingS={KEPT_S}
        at={track.value.at}
        series={[
          { label: "Downlink", ink: "downlink", values: track.value.downlink },
          { label: "Uplink", ink: "uplink", values: track.value.uplink },
        ]}
        format={rate}
        formatAt={(moment) => clockTime(moment * 1000, timeZone)}
        timeZone={timeZone}
      />
    </Panel>
  );
}

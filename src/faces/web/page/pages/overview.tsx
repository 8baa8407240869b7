/** How everything is now: totals, rates, who is near his limit, and how engines and the daemon's tick are. */
import type { SourceStatus } from "../../../../control/rows.ts";
import type { AccountTuple, Health, Overview } from "../../wire.ts";
import { ago, duration, limit, percent, rate, size, whole } from "../format.ts";
import { HealthBadge, StateBadge } from "../kit/badge.tsx";
import { Meter } from "../kit/meter.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { Table } from "../kit/table.tsx";
import { Tile, Tiles } from "../kit/tile.tsx";
import { overview, toldAt, useLive } from "../live.ts";
import { href } from "../route.ts";
import { RatePanel } from "./rate-panel.tsx";
import { UsagePanel } from "./usage-panel.tsx";

export function Page() {
  useLive({ view: "overview" });
  const now = overview.value;
  return (
    <>
      <h1>Overview</h1>
      {now ? <Told now={now} /> : <p class="loading-place">Waiting for the daemon …</p>}
    </>
  );
}

function Told({ now }: { readonly now: Overview }) {
  if (now.heardAt === 0 && !now.connected) return null; // the shell says so: there is nothing to show yet
  return (
    <>
      {now.mode === "observe" && (
        <Notice kind="info">
          Sluice observes: it counts, and cuts nobody (<code>mode: "observe"</code>).
        </Notice>
      )}
      {now.saveTrouble !== "" && (
        <Notice kind="error">The disk does not take everything: {now.saveTrouble}</Notice>
      )}
      <div class="live">
        <Figures now={now} />
      </div>
      <div class="columns">
        <RatePanel
          at={now.connected ? toldAt.value : 0}
          uplink={now.uplinkRate}
          downlink={now.downlinkRate}
        />
        <UsagePanel path="usage" />
      </div>
      <div class="columns live">
        <Panel title="Over or near the limit">
          <Near rows={now.near} />
        </Panel>
        <Panel title="Busiest now">
          <Busiest rows={now.busiest} />
        </Panel>
      </div>
      <div class="columns live">
        <Panel title="Engines and servers">
          <Sources sources={now.sources} />
        </Panel>
        <Panel title="Tick">
          <TickFigures now={now} />
        </Panel>
      </div>
    </>
  );
}

function Figures({ now }: { readonly now: Overview }) {
  const { states } = now;
  return (
    <Tiles>
      <Tile name="Downlink now" value={rate(now.downlinkRate)} />
      <Tile name="Uplink now" value={rate(now.uplinkRate)} />
      <Tile
        name="Today"
        value={size(now.dailyDownlink + now.dailyUplink)}
        note={`down ${size(now.dailyDownlink)}, up ${size(now.dailyUplink)}`}
      />
      <Tile
        name="In the accounts' periods"
        value={size(now.totalDownlink + now.totalUplink)}
        note={`down ${size(now.totalDownlink)}, up ${size(now.totalUplink)}`}
      />
      <Tile
        name="Accounts"
        value={<a href={href("accounts")}>{whole(now.accounts)}</a>}
        note={`${whole(states.ok)} ok, ${whole(states.unlimited)} unlimited`}
      />
      <Tile name="Near the limit" value={<StateLink state="warning" count={states.warning} />} />
      <Tile name="Over the limit" value={<StateLink state="limited" count={states.limited} />} />
      <Tile name="Disabled" value={<StateLink state="disabled" count={states.disabled} />} />
    </Tiles>
  );
}

function StateLink({ state, count }: { readonly state: string; readonly count: number }) {
  return <a href={`${href("accounts")}?state=${state}`}>{whole(count)}</a>;
}

const NAME = {
  title: "Account",
  cell: ([name]: AccountTuple) => (
    <a href={href("accounts", name)} dir="auto">
      {name}
    </a>
  ),
};

function Near({ rows }: { readonly rows: readonly AccountTuple[] }) {
  return (
    <Table
      caption="Accounts over or near their limit"
      rows={rows}
      keyOf={([name]) => name}
      empty="Nobody is near a limit."
      columns={[
        NAME,
        { title: "State", cell: ([, state]) => <StateBadge state={state} /> },
        {
          title: "Used",
          number: true,
          cell: (row) => {
            const [used, of] = tighter(row);
            return `${size(used)} of ${limit(of)}`;
          },
        },
        {
          title: "Share",
          wide: true,
          cell: (row) => {
            const [used, of] = tighter(row);
            return <Meter label={`Used by ${row[0]}`} used={used} of={of} />;
          },
        },
      ]}
    />
  );
}

/** Of the total and the daily limit, the one that is nearer. */
function tighter([, , , total, totalLimit, daily, dailyLimit]: AccountTuple): readonly [number, number] {
  return percent(daily, dailyLimit) > percent(total, totalLimit) ? [daily, dailyLimit] : [total, totalLimit];
}

function Busiest({ rows }: { readonly rows: readonly AccountTuple[] }) {
  return (
    <Table
      caption="Accounts that move most now"
      rows={rows}
      keyOf={([name]) => name}
      empty="Nobody moves anything."
      columns={[
        NAME,
        { title: "Downlink", number: true, cell: (row) => rate(row[8]) },
        { title: "Uplink", number: true, cell: (row) => rate(row[7]) },
        { title: "Today", number: true, wide: true, cell: (row) => size(row[5]) },
      ]}
    />
  );
}

function Sources({ sources }: { readonly sources: readonly SourceStatus[] }) {
  return (
    <Table
      caption="Engines and servers that are read"
      rows={sources}
      keyOf={({ name }) => name}
      empty="None is set up: see sluice doctor."
      columns={[
        { title: "Name", cell: ({ name }) => name },
        { title: "Health", cell: (source) => <HealthBadge health={healthOf(source)} /> },
        { title: "Read", number: true, cell: ({ lastLookMs }) => ago(lastLookMs, toldAt.value) },
        {
          title: "Notes",
          cell: ({ trouble, notes }) => [trouble, ...notes].filter((one) => one !== "").join("; "),
        },
      ]}
    />
  );
}

function healthOf({ answering, trouble }: SourceStatus): Health {
  if (!answering) return "down";
  return trouble === "" ? "well" : "troubled";
}

function TickFigures({ now: { tick } }: { readonly now: Overview }) {
  return (
    <Tiles>
      <Tile name="Every" value={`${tick.tickMs} ms`} />
      <Tile
        name="Longest lag"
        value={tick.longestLagMs < 1000 ? `${tick.longestLagMs.toFixed(1)} ms` : duration(tick.longestLagMs)}
      />
      <Tile name="Skipped" value={whole(tick.skippedTicks)} />
      <Tile
        name="Failures"
        value={whole(tick.failures)}
        {...(tick.failures > 0 ? { kind: "error" as const } : {})}
      />
    </Tiles>
  );
}

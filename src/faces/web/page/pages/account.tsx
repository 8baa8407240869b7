/** One account: what he moves now, what he moved, his limits, logins and what happened to him. */
import { useSignal } from "@preact/signals";
import type { UserRow } from "../../../../control/rows.ts";
import type { AccountBody } from "../../wire.ts";
import { pathOf } from "../api.ts";
import { limit, percent, rate, size } from "../format.ts";
import { StateBadge } from "../kit/badge.tsx";
import { Meter } from "../kit/meter.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { Tile, Tiles } from "../kit/tile.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { account, toldAt, useLive } from "../live.ts";
import { href } from "../route.ts";
import { go } from "../router.ts";
import type { PageProps } from "../routes.ts";
import { isAdmin } from "../session.ts";
import { AccountOrders } from "./account-orders.tsx";
import { CutHistory, EventsPanel, HostsPanel, LoginsPanel } from "./account-past.tsx";
import { LimitForm } from "./limit-form.tsx";
import { RatePanel } from "./rate-panel.tsx";
import { UsagePanel } from "./usage-panel.tsx";

export function Page({ route: { rest } }: PageProps) {
  const name = rest[0] ?? "";
  return <Account key={name} name={name} />;
}

function Account({ name }: { readonly name: string }) {
  useLive({ view: "account", name });
  // What a look at him alone tells, and the live line does not: by what he is stopped.
  const { body } = useFetched<AccountBody>(pathOf("accounts", name), 30_000);
  const now = account.value;
  const known = now?.name === name ? now : undefined;
  return (
    <>
      <p class="crumbs">
        <a href={href("accounts")}>Accounts</a>
      </p>
      <div class="title">
        <h1 dir="auto">{name}</h1>
        {known && <StateBadge state={known.state} />}
        {known && <span class="muted">{known.services.join(", ")}</span>}
      </div>
      {now === null && <Notice kind="error">There is no account of this name.</Notice>}
      {known && <Known now={known} whole={body?.account} />}
    </>
  );
}

function Known({ now, whole }: { readonly now: UserRow; readonly whole: UserRow | undefined }) {
  const events = useSignal(0);
  const changed = (): void => {
    events.value++;
  };
  return (
    <>
      <div class="live">
        <Figures now={now} unreported={whole?.unreportedBytes ?? 0} />
      </div>
      <div class="columns">
        <RatePanel at={toldAt.value} uplink={now.uplinkRate} downlink={now.downlinkRate} />
        <UsagePanel path={pathOf("accounts", now.name, "usage")} />
      </div>
      <div class="columns">
        {isAdmin() && (
          <Panel title="Limits">
            <LimitForm key={limitsOf(now)} account={now} onDone={changed} />
            <hr />
            <AccountOrders account={now} onDone={changed} onDeleted={() => go(href("accounts"))} />
          </Panel>
        )}
        <Panel title="How he is stopped">
          <Stops account={whole} />
        </Panel>
      </div>
      <LoginsPanel name={now.name} />
      <div class="columns">
        <CutHistory name={now.name} turn={events.value} />
        <EventsPanel name={now.name} turn={events.value} />
      </div>
      {isAdmin() && <HostsPanel name={now.name} />}
    </>
  );
}

/** Somebody else may change them: the form begins anew then. */
function limitsOf({ totalLimitBytes, dailyLimitBytes, period }: UserRow): string {
  return `${totalLimitBytes} ${dailyLimitBytes} ${period}`;
}

function Figures({ now, unreported }: { readonly now: UserRow; readonly unreported: number }) {
  const { totalBytes, totalLimitBytes, dailyBytes, dailyLimitBytes } = now;
  return (
    <Tiles>
      <Tile name="Downlink now" value={rate(now.downlinkRate)} />
      <Tile name="Uplink now" value={rate(now.uplinkRate)} />
      <Used
        name="Used in this period"
        used={totalBytes}
        of={totalLimitBytes}
        note={`since ${now.periodStart}`}
      />
      <Used name="Used today" used={dailyBytes} of={dailyLimitBytes} note={now.day} />
      <Tile
        name="Remaining"
        value={now.remainingBytes < 0 ? "unlimited" : size(now.remainingBytes)}
        note={unreported > 0 ? `about ${size(unreported)} more is not counted yet` : `period: ${now.period}`}
      />
      <Tile
        name="Down and up in this period"
        value={size(now.totalDownlinkBytes)}
        note={`up ${size(now.totalUplinkBytes)}`}
      />
      <Tile
        name="Ever"
        value={size(now.lifetimeDownlinkBytes + now.lifetimeUplinkBytes)}
        note={`down ${size(now.lifetimeDownlinkBytes)}, up ${size(now.lifetimeUplinkBytes)}`}
      />
    </Tiles>
  );
}

interface UsedProps {
  readonly name: string;
  readonly used: number;
  readonly of: number;
  readonly note: string;
}

function Used({ name, used, of, note }: UsedProps) {
  const over = of > 0 && used >= of;
  return (
    <Tile
      name={name}
      value={<span data-bytes={used}>{size(used)}</span>}
      note={
        <>
          {of === 0 ? "unlimited" : `of ${limit(of)}, ${percent(used, of).toFixed(1)} %`}; {note}
          {of > 0 && <Meter label={name} used={used} of={of} />}
        </>
      }
      {...(over ? { kind: "error" as const } : {})}
    />
  );
}

function Stops({ account: of }: { readonly account: UserRow | undefined }) {
  if (!of) return null;
  if (of.stops.length === 0) return <p class="empty">Nothing keeps him yet: he was seen nowhere.</p>;
  return (
    <ul class="plain">
      {of.stops.map(({ keeper, step, text }) => (
        <li key={keeper}>
          <strong>{keeper}</strong>: {step} ({text})
        </li>
      ))}
    </ul>
  );
}

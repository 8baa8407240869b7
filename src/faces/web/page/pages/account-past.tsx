/** What happened to one account: logins, cuts, events, and the hosts he asked for. */
import type { EventsBody, HostEntry, HostsBody, SessionRow, SessionsBody } from "../../wire.ts";
import { pathOf } from "../api.ts";
import { dateTime, duration, size } from "../format.ts";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { Table } from "../kit/table.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { viewer } from "../session.ts";

interface PastProps {
  readonly name: string;
  /** Asks anew when it changes. */
  readonly turn: number;
}

type Event = EventsBody["events"][number];

const REFRESH_MS = 15_000;
/** Of the events' kinds, those that say when he could go on and when not. */
const CUTS = new Set([
  ...["cut", "would-cut", "restored", "would-restore", "cut-failed", "restore-failed"],
  ...["disabled", "enabled", "reset", "limit-changed"],
]);

export function CutHistory({ name, turn }: PastProps) {
  const { body, error } = useEvents(name, turn, 500);
  const cuts = body?.events.filter(({ kind }) => CUTS.has(kind));
  return (
    <Panel title="Cut history">
      <Events caption="Cuts and limits" events={cuts} error={error} empty="He was never cut." />
    </Panel>
  );
}

export function EventsPanel({ name, turn }: PastProps) {
  const { body, error } = useEvents(name, turn, 100);
  return (
    <Panel title="Events">
      <Events caption="Events" events={body?.events} error={error} empty="Nothing happened yet." />
    </Panel>
  );
}

function useEvents(name: string, turn: number, most: number) {
  const query = new URLSearchParams({ user: name, limit: String(most) });
  return useFetched<EventsBody>(`events?${query}`, REFRESH_MS, turn);
}

interface EventsProps {
  readonly caption: string;
  readonly events: readonly Event[] | undefined;
  readonly error: string;
  readonly empty: string;
}

function Events({ caption, events, error, empty }: EventsProps) {
  const timeZone = viewer()?.timeZone ?? "UTC";
  return (
    <>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {events && (
        <div class="tall">
          <Table
            caption={caption}
            rows={events.map((event, index) => ({ ...event, index }))}
            keyOf={({ at, index }) => `${at} ${index}`}
            empty={empty}
            columns={[
              { title: "Time", cell: ({ at }) => <time>{dateTime(at, timeZone)}</time> },
              { title: "Kind", cell: ({ kind }) => kind },
              { title: "What", cell: ({ text }) => <span dir="auto">{text}</span> },
            ]}
          />
        </div>
      )}
    </>
  );
}

export function LoginsPanel({ name }: { readonly name: string }) {
  const query = new URLSearchParams({ account: name, limit: "50" });
  const { body, error } = useFetched<SessionsBody>(`sessions?${query}`, REFRESH_MS);
  const timeZone = viewer()?.timeZone ?? "UTC";
  return (
    <Panel title="Logins">
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {body && (
        <div class="tall">
          <Table
            caption="Logins at OpenVPN and SSH"
            rows={body.sessions}
            keyOf={({ id }) => id}
            empty="No login at OpenVPN or SSH is known."
            columns={[
              { title: "Began", cell: ({ began }) => dateTime(began, timeZone) },
              { title: "Lasted", cell: lasted },
              { title: "At", cell: ({ keeper }) => keeper },
              { title: "From", cell: ({ realAddress, country }) => [realAddress, country].join(" ").trim() },
              { title: "Tunnel", wide: true, cell: ({ addresses }) => addresses.join(", ") },
              {
                title: "Downlink",
                number: true,
                wide: true,
                cell: ({ downlink }) => sizeOrNothing(downlink),
              },
              { title: "Uplink", number: true, wide: true, cell: ({ uplink }) => sizeOrNothing(uplink) },
            ]}
          />
        </div>
      )}
    </Panel>
  );
}

function lasted({ began, ended, denied }: SessionRow): string {
  if (ended !== null) return duration(Math.max(0, ended - began));
  return denied ? "waits behind a shut gate" : "still there";
}

function sizeOrNothing(bytes: number | null): string {
  return bytes === null ? "" : size(bytes);
}

/** Only where the capture books whose a host is: it says so by having some. */
export function HostsPanel({ name }: { readonly name: string }) {
  const query = new URLSearchParams({ account: name, limit: "100" });
  const { body, error } = useFetched<HostsBody>(`hosts?${query}`, REFRESH_MS);
  if (error !== "" || !body || body.trouble !== "" || body.total === 0) return null;
  return (
    <Panel title="Hosts">
      <div class="tall">
        <Table
          caption="Hosts he asked for, the newest first"
          rows={body.hosts}
          keyOf={({ host, service, source }: HostEntry) => pathOf(host, service, source)}
          empty=""
          columns={[
            { title: "Host", cell: ({ host }) => <bdi>{host}</bdi> },
            { title: "Service", cell: ({ service }) => service },
            { title: "Source", wide: true, cell: ({ source }) => source },
            { title: "Time", cell: ({ time }) => time },
          ]}
        />
      </div>
    </Panel>
  );
}

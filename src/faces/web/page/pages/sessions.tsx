/** Logins at OpenVPN and SSH: those that last, and those that were. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { KickReply } from "../../../../control/rows.ts";
import type { SessionRow, SessionsBody } from "../../wire.ts";
import { order, pathOf } from "../api.ts";
import { dateTime, duration, size, whole } from "../format.ts";
import { Badge } from "../kit/badge.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Choice, Tabs } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { SearchField } from "../kit/search-field.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { useNow } from "../kit/use-now.ts";
import { useOrder } from "../kit/use-order.ts";
import { countryName } from "../map/country-name.ts";
import { href } from "../route.ts";
import { keepQuery } from "../router.ts";
import type { PageProps } from "../routes.ts";
import { isAdmin, viewer } from "../session.ts";
import { lasted, matching } from "../session-list.ts";
import { OpenvpnServers } from "./openvpn-servers.tsx";

/** As many as the API tells at once. */
const MOST = 1_000;
/** As many as are drawn before more are asked for. */
const SHOWN = 200;
const LIVE_MS = 3_000;
const PAST_MS = 60_000;
const SERVICES = [
  ["", "All"],
  ["openvpn", "OpenVPN"],
  ["ssh", "SSH"],
] as const;

export function Page({ route }: PageProps) {
  const past = route.query.get("past") === "1";
  const service = SERVICES.find(([one]) => one === route.query.get("service"))?.[0] ?? "";
  const text = route.query.get("q") ?? "";
  const query = new URLSearchParams({ live: past ? "0" : "1", limit: String(MOST) });
  if (service !== "") query.set("service", service);
  const { body, error, reload } = useFetched<SessionsBody>(`sessions?${query}`, past ? PAST_MS : LIVE_MS);
  const kicked = useSignal<string | undefined>(undefined);
  const told = useSignal("");
  const rows = useMemo(() => matching(body?.sessions ?? [], text), [body, text]);
  const ended = (reply: KickReply): void => {
    kicked.value = undefined;
    told.value = reply.text;
    reload();
  };
  return (
    <>
      <div class="title">
        <h1>Sessions</h1>
        <span class="gap" />
        <Tabs
          label="Which logins"
          value={past ? "past" : "live"}
          options={[
            ["live", "Live"],
            ["past", "Past"],
          ]}
          onChange={(value) => keepQuery({ past: value === "past" ? "1" : "" })}
        />
      </div>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {told.value !== "" && <Notice kind="done">{told.value}</Notice>}
      <Panel
        title={past ? "Logins that ended" : "Logins that last"}
        tools={body && <small>{whole(rows.length)}</small>}
      >
        <div class="row">
          <SearchField label="Account or address" value={text} onInput={(value) => keepQuery({ q: value })} />
          <Choice
            label="Service"
            value={service}
            options={SERVICES}
            onChange={(value) => keepQuery({ service: value })}
          />
        </div>
        {body && (
          <SessionTable
            key={`${past} ${service}`}
            rows={rows}
            past={past}
            onKick={
              isAdmin() && !past
                ? (account) => {
                    kicked.value = account;
                  }
                : undefined
            }
          />
        )}
        {past && body && body.sessions.length >= MOST && (
          <p class="hint">These are the newest {whole(MOST)}; an account's own page has all of it.</p>
        )}
      </Panel>
      <Panel title="OpenVPN servers">{body && <OpenvpnServers servers={body.servers} />}</Panel>
      {kicked.value !== undefined && (
        <KickDialog
          account={kicked.value}
          onEnded={ended}
          onClose={() => {
            kicked.value = undefined;
          }}
        />
      )}
    </>
  );
}

interface SessionTableProps {
  readonly rows: readonly SessionRow[];
  readonly past: boolean;
  readonly onKick: ((account: string) => void) | undefined;
}

function SessionTable({ rows, past, onKick }: SessionTableProps) {
  const now = useNow();
  const most = useSignal(SHOWN);
  const timeZone = viewer()?.timeZone ?? "UTC";
  const moment = (at: number) => <span class="whole">{dateTime(at, timeZone)}</span>;
  const bytes = (count: number | null) => (count === null ? "–" : size(count));
  const columns: Column<SessionRow>[] = [
    { title: "Account", cell: ({ account }) => <AccountLink name={account} /> },
    { title: "Service", cell: ({ keeper }) => keeper },
    { title: "From", cell: (row) => <Origin row={row} /> },
    { title: "In the tunnel", wide: true, cell: ({ addresses }) => <Addresses all={addresses} /> },
    { title: "Began", wide: true, cell: ({ began }) => moment(began) },
    ...(past
      ? [
          {
            title: "Ended",
            wide: true as const,
            cell: (row: SessionRow) => (row.ended === null ? "still on" : moment(row.ended)),
          },
        ]
      : []),
    { title: "Lasted", number: true, cell: (row) => duration(lasted(row, now)) },
    { title: "Uplink", number: true, cell: ({ uplink }) => bytes(uplink) },
    { title: "Downlink", number: true, cell: ({ downlink }) => bytes(downlink) },
  ];
  const end: Column<SessionRow> = {
    title: "End",
    cell: ({ account, service }) =>
      service === "openvpn" && (
        <button type="button" aria-label={`End the logins of ${account}`} onClick={() => onKick?.(account)}>
          End
        </button>
      ),
  };
  return (
    <>
      <Table
        caption={past ? "Logins, the newest first" : "Logins and how long they last"}
        columns={onKick ? [...columns, end] : columns}
        rows={rows.slice(0, most.value)}
        keyOf={({ id }) => id}
        empty={past ? "No such login is in the history." : "Nobody is logged in."}
      />
      {rows.length > most.value && (
        <button
          type="button"
          onClick={() => {
            most.value += SHOWN;
          }}
        >
          Show {whole(Math.min(SHOWN, rows.length - most.value))} more
        </button>
      )}
    </>
  );
}

function AccountLink({ name }: { readonly name: string }) {
  return (
    <a href={href("accounts", name)}>
      <bdi>{name}</bdi>
    </a>
  );
}

function Addresses({ all }: { readonly all: readonly string[] }) {
  if (all.length === 0) return "–";
  return all.map((address) => (
    <span key={address} class="below whole">
      {address}
    </span>
  ));
}

function Origin({ row: { realAddress, country, denied } }: { readonly row: SessionRow }) {
  return (
    <>
      {realAddress || "–"}
      {country !== "" && <small class="below">{countryName(country)}</small>}
      {denied && (
        <small class="below">
          <Badge kind="error" mark="■" text="cut off: over the limit, or disabled" />
        </small>
      )}
    </>
  );
}

interface KickDialogProps {
  readonly account: string;
  readonly onEnded: (reply: KickReply) => void;
  readonly onClose: () => void;
}

function KickDialog({ account, onEnded, onClose }: KickDialogProps) {
  const { busy, error, run } = useOrder();
  const kick = (): void => {
    run(async () => onEnded(await order<KickReply>("POST", pathOf("accounts", account, "kick"))));
  };
  return (
    <Dialog title="End logins" onClose={onClose}>
      <p>
        All OpenVPN logins of <bdi>{account}</bdi> end, at every server. Unless the account is limited or
        disabled, a client may come again at once.
      </p>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      <div class="buttons">
        <button type="button" class="danger" disabled={busy} onClick={kick}>
          End them
        </button>
        <button type="button" onClick={onClose}>
          Leave them
        </button>
      </div>
    </Dialog>
  );
}

/** Logins, one in a row; those that last tell for how long as it goes on. */
import type { SessionRow } from "../../wire.ts";
import { dateTime, duration, size } from "../format.ts";
import { Badge } from "../kit/badge.tsx";
import { LongTable } from "../kit/long-table.tsx";
import type { Column } from "../kit/table.tsx";
import { useNow } from "../kit/use-now.ts";
import { countryName } from "../map/country-name.ts";
import { href } from "../route.ts";
import { viewer } from "../session.ts";
import { lasted } from "../session-list.ts";

interface SessionTableProps {
  readonly rows: readonly SessionRow[];
  readonly past: boolean;
  readonly onKick: ((account: string) => void) | undefined;
}

export function SessionTable({ rows, past, onKick }: SessionTableProps) {
  const now = useNow();
  const timeZone = viewer()?.timeZone ?? "UTC";
  const moment = (at: number) => <span class="whole">{dateTime(at, timeZone)}</span>;
  const columns: Column<SessionRow>[] = [
    { title: "Account", cell: (row) => <Account row={row} /> },
    { title: "Service", wide: true, cell: ({ keeper }) => keeper },
    { title: "From", wide: true, cell: (row) => <Origin row={row} /> },
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
    { title: "Uplink", number: true, wide: true, cell: ({ uplink }) => counted(uplink) },
    { title: "Downlink", number: true, wide: true, cell: ({ downlink }) => counted(downlink) },
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
    <LongTable
      caption={past ? "Logins, the newest first" : "Logins and how long they last"}
      columns={onKick ? [...columns, end] : columns}
      rows={rows}
      keyOf={({ id }) => id}
      empty={past ? "No such login is in the history." : "No such login lasts."}
    />
  );
}

/** On narrow screens it says as well what has a column of its own on wide ones. */
function Account({ row }: { readonly row: SessionRow }) {
  return (
    <>
      <a href={href("accounts", row.account)}>
        <bdi class="anywhere">{row.account}</bdi>
      </a>
      {row.denied && (
        <small class="below">
          <Badge kind="error" mark="■" text="cut off" />
        </small>
      )}
      <small class="narrow-only anywhere">
        {row.keeper} · {row.realAddress || "–"}
        {row.country !== "" && `, ${countryName(row.country)}`}
        <br />
        uplink {counted(row.uplink)}, downlink {counted(row.downlink)}
      </small>
    </>
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

function Origin({ row: { realAddress, country } }: { readonly row: SessionRow }) {
  return (
    <>
      {realAddress || "–"}
      {country !== "" && <small class="below">{countryName(country)}</small>}
    </>
  );
}

/** Where a login's bytes are not counted by themselves, that is no zero. */
function counted(bytes: number | null): string {
  return bytes === null ? "–" : size(bytes);
}

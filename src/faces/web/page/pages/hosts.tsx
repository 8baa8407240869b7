/** The hosts that clients asked for, as the capture finds them; for admins. */
import { useEffect } from "preact/hooks";
import type { HostEntry, HostsBody } from "../../wire.ts";
import { addressOf } from "../api.ts";
import { whole } from "../format.ts";
import { exportPath, type HostFilter, isOpen, listPath, PAGE_ROWS, SERVICES } from "../host-filter.ts";
import { Choice, Field } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { SearchField } from "../kit/search-field.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { hosts, useLive } from "../live.ts";
import { keepQuery } from "../router.ts";
import type { PageProps } from "../routes.ts";

const REFRESH_MS = 5_000;

const COLUMNS: readonly Column<HostEntry>[] = [
  {
    title: "Host",
    cell: ({ host, service, source }) => (
      <>
        <bdi class="anywhere">{host}</bdi>
        <small class="narrow-only">
          {service} · {source}
        </small>
      </>
    ),
  },
  { title: "Service", wide: true, cell: ({ service }) => service },
  { title: "Client", wide: true, cell: ({ source }) => source },
  { title: "Captured", cell: ({ time }) => <span class="whole">{time}</span> },
];

export function Page({ route }: PageProps) {
  const filter: HostFilter = {
    text: route.query.get("q") ?? "",
    service: route.query.get("service") ?? "",
    source: route.query.get("source") ?? "",
  };
  const offset = offsetOf(route.query.get("offset"));
  const live = isOpen(filter) && offset === 0;
  useLive({ view: "hosts" });
  const fetched = useFetched<HostsBody>(live ? undefined : listPath(filter, offset), REFRESH_MS);
  const told = hosts.value.told ? hosts.value : undefined;
  const rows = live ? told?.hosts.slice(0, PAGE_ROWS) : fetched.body?.hosts;
  const total = live ? told?.total : fetched.body?.total;
  const narrow = (changes: Readonly<Record<string, string>>): void => keepQuery({ ...changes, offset: "" });
  return (
    <>
      <div class="title">
        <h1>Hosts</h1>
        <span class="gap" />
        <ExportLink filter={filter} format="csv" />
        <ExportLink filter={filter} format="txt" />
      </div>
      {!live && fetched.error !== "" && <Notice kind="error">{fetched.error}</Notice>}
      {fetched.body && fetched.body.trouble !== "" && (
        <Notice kind="warning">{fetched.body.trouble}. What is shown may be old.</Notice>
      )}
      <Panel
        title={live ? "Captured now" : "Captured"}
        tools={total !== undefined && <small>{whole(total)} in all</small>}
      >
        <div class="row filters">
          <SearchField label="Host" value={filter.text} onInput={(q) => narrow({ q })} />
          <Choice
            label="Service"
            value={filter.service}
            options={[["", "All"], ...SERVICES.map((one) => [one, one] as const)]}
            onChange={(service) => narrow({ service })}
          />
          <Field label="Client's address" value={filter.source} onInput={(source) => narrow({ source })} />
        </div>
        {rows && (
          <Table
            caption="Captured hosts, the newest first"
            columns={COLUMNS}
            rows={rows}
            keyOf={({ host }) => host}
            empty={isOpen(filter) ? "Nothing was captured yet." : "No captured host is like that."}
          />
        )}
        {total !== undefined && <Pager offset={offset} total={total} />}
      </Panel>
    </>
  );
}

interface PagerProps {
  readonly offset: number;
  readonly total: number;
}

function Pager({ offset, total }: PagerProps) {
  const go = (to: number): void => keepQuery({ offset: to <= 0 ? "" : String(to) });
  // Hosts may have been removed since the address was written down.
  useEffect(() => {
    if (offset > 0 && offset >= total) go(lastOffset(total));
  }, [offset, total]);
  if (total <= PAGE_ROWS) return null;
  return (
    <div class="row pager">
      <button type="button" disabled={offset === 0} onClick={() => go(offset - PAGE_ROWS)}>
        Newer
      </button>
      <span>
        {whole(offset + 1)} to {whole(Math.min(total, offset + PAGE_ROWS))}
      </span>
      <button type="button" disabled={offset + PAGE_ROWS >= total} onClick={() => go(offset + PAGE_ROWS)}>
        Older
      </button>
    </div>
  );
}

interface ExportLinkProps {
  readonly filter: HostFilter;
  readonly format: "txt" | "csv";
}

/** The file has what the filter lets through, all pages of it. */
function ExportLink({ filter, format }: ExportLinkProps) {
  return (
    <a href={addressOf(exportPath(filter, format)).href} download={`hosts.${format}`}>
      Export {format === "csv" ? "CSV" : "text"}
    </a>
  );
}

function offsetOf(text: string | null): number {
  const offset = Number(text ?? 0);
  return Number.isSafeInteger(offset) && offset > 0 ? offset - (offset % PAGE_ROWS) : 0;
}

function lastOffset(total: number): number {
  return Math.max(0, Math.ceil(total / PAGE_ROWS) - 1) * PAGE_ROWS;
}

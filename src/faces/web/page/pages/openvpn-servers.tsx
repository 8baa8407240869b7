/** The OpenVPN servers as they are looked at. */
import type { OpenvpnServerRow } from "../../../../control/rows.ts";
import { duration, whole } from "../format.ts";
import { SourceHealth } from "../kit/source-health.tsx";
import { type Column, Table } from "../kit/table.tsx";

const COLUMNS: readonly Column<OpenvpnServerRow>[] = [
  { title: "Server", cell: ({ name }) => <bdi>{name}</bdi> },
  {
    title: "State",
    cell: (row) => <SourceHealth {...row} />,
  },
  { title: "Logins", number: true, cell: ({ logins, answering }) => (answering ? whole(logins) : "–") },
  { title: "At the door", number: true, wide: true, cell: ({ pending }) => whole(pending) },
  { title: "Version", wide: true, cell: ({ version }) => version || "–" },
  { title: "Process", number: true, wide: true, cell: ({ pid }) => pid || "–" },
  { title: "DCO", wide: true, cell: ({ dco }) => (dco ? "yes" : "no") },
  { title: "Gates", wide: true, cell: ({ gated }) => (gated ? "yes" : "no") },
  { title: "Hook", wide: true, cell: ({ hooked }) => (hooked ? "heard" : "not heard") },
  { title: "Figures from", wide: true, cell: ({ from }) => from },
  { title: "Every", number: true, wide: true, cell: ({ periodMs }) => shortSpan(periodMs) },
];

export function OpenvpnServers({ servers }: { readonly servers: readonly OpenvpnServerRow[] }) {
  return (
    <Table
      caption="OpenVPN servers and how they are"
      columns={COLUMNS}
      rows={servers}
      keyOf={({ name }) => name}
      empty="No OpenVPN server is looked at."
    />
  );
}

/** "250 ms", "5 s". */
export function shortSpan(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : duration(ms);
}

/** The server: the daemon and what it looks at, addresses, versions, and the doctor's findings. */
import "./server.css";
import type { SourceStatus } from "../../../../control/rows.ts";
import type { ServerBody } from "../../wire.ts";
import { ago, duration, size, whole } from "../format.ts";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { SourceHealth } from "../kit/source-health.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { Tile, Tiles } from "../kit/tile.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { useNow } from "../kit/use-now.ts";
import { FindingsPanel } from "./findings-panel.tsx";
import { OpenvpnServers, shortSpan } from "./openvpn-servers.tsx";

const REFRESH_MS = 5_000;

export function Page() {
  const { body, error } = useFetched<ServerBody>("server", REFRESH_MS);
  return (
    <>
      <h1>Server</h1>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {body && <Figures body={body} />}
      <div class="columns">
        <Panel title="What is read">{body && <Sources sources={body.sources} />}</Panel>
        <Panel title="Versions">
          {body && (
            <Table
              caption="Versions of programs"
              columns={[
                { title: "Program", cell: ({ what }) => what },
                { title: "Version", cell: ({ version }) => version },
              ]}
              rows={body.versions}
              keyOf={({ what }) => what}
              empty="None is known."
            />
          )}
        </Panel>
      </div>
      <Panel title="OpenVPN servers">{body && <OpenvpnServers servers={body.openvpn} />}</Panel>
      <FindingsPanel />
    </>
  );
}

/** While the daemon does not answer, what only it knows is no zero. */
function Figures({ body }: { readonly body: ServerBody }) {
  const { pid, mode, uptimeMs, web, hostname, localAddress, publicAddress, publicFrom, latency } = body;
  const runs = pid !== 0;
  return (
    <Tiles>
      <Tile
        name="Daemon"
        value={runs ? mode : "does not answer"}
        note={runs && `process ${pid}`}
        {...(runs ? {} : { kind: "error" as const })}
      />
      <Tile name="Running for" value={runs ? duration(uptimeMs) : "–"} />
      <Tile
        name="Host"
        value={<bdi>{hostname}</bdi>}
        note={localAddress && `local address ${localAddress}`}
      />
      <Tile name="Public address" value={publicAddress || "–"} note={publicFrom && `from ${publicFrom}`} />
      <Latency latency={latency} />
      <Tile
        name="Dashboard"
        value={size(web.memoryBytes)}
        note={`process ${web.pid}, for ${duration(web.uptimeMs)}`}
      />
    </Tiles>
  );
}

function Latency({ latency }: Pick<ServerBody, "latency">) {
  if (!latency) return <Tile name="Latency" value="–" note="web.latency_target names no target" />;
  const { target, ms, trouble } = latency;
  return ms === null ? (
    <Tile name="Latency" value="–" note={`${target}: ${trouble || "not measured yet"}`} kind="warning" />
  ) : (
    <Tile name="Latency" value={`${ms.toFixed(1)} ms`} note={`to open TCP to ${target}`} />
  );
}

function Sources({ sources }: { readonly sources: readonly SourceStatus[] }) {
  const now = useNow();
  const columns: readonly Column<SourceStatus>[] = [
    { title: "Source", cell: ({ name }) => <bdi>{name}</bdi> },
    {
      title: "State",
      cell: (row) => <SourceHealth {...row} />,
    },
    { title: "Read", cell: ({ lastLookMs }) => ago(lastLookMs, now) },
    { title: "Every", number: true, wide: true, cell: ({ periodMs }) => shortSpan(periodMs) },
    { title: "Near the limit", number: true, wide: true, cell: ({ close }) => whole(close) },
  ];
  return (
    <Table
      caption="Sources of counters and how they are"
      columns={columns}
      rows={sources}
      keyOf={({ name }) => name}
      empty="Nothing is read."
    />
  );
}

/** Logins at OpenVPN and SSH: those that last, and those that were. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { KickReply } from "../../../../control/rows.ts";
import type { SessionsBody } from "../../wire.ts";
import { whole } from "../format.ts";
import { Choice, Tabs } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { SearchField } from "../kit/search-field.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { keepQuery } from "../router.ts";
import type { PageProps } from "../routes.ts";
import { isAdmin } from "../session.ts";
import { matching } from "../session-list.ts";
import { KickDialog } from "./kick-dialog.tsx";
import { OpenvpnServers } from "./openvpn-servers.tsx";
import { SessionTable } from "./session-table.tsx";

/** As many as the API tells at once. */
const MOST = 1_000;
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
        <div class="row filters">
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

/** What the doctor found on this host. */
import { useSignal } from "@preact/signals";
import type { FindingsBody } from "../../wire.ts";
import { order } from "../api.ts";
import { type FindingGroup, findingGroups, type Level, levelCounts, type ShownFinding } from "../findings.ts";
import { ago } from "../format.ts";
import { Badge } from "../kit/badge.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { useNow } from "../kit/use-now.ts";
import { useOrder } from "../kit/use-order.ts";
import { isAdmin } from "../session.ts";

const LOOKS: Readonly<Record<Level, { readonly kind: string; readonly mark: string }>> = {
  ok: { kind: "done", mark: "●" },
  warning: { kind: "warning", mark: "▲" },
  problem: { kind: "error", mark: "■" },
};

export function FindingsPanel() {
  const { body, error } = useFetched<FindingsBody>("findings");
  const newer = useSignal<FindingsBody | undefined>(undefined);
  const look = useOrder();
  const now = useNow();
  const shown = newer.value ?? body;
  const groups = shown && findingGroups(shown.json);
  const again = (): void => {
    look.run(async () => {
      newer.value = await order<FindingsBody>("POST", "findings");
    });
  };
  return (
    <Panel
      title="Doctor's findings"
      tools={
        <span class="row">
          {shown && shown.atMs > 0 && <small>looked {ago(shown.atMs, now)}</small>}
          {isAdmin() && (
            <button type="button" disabled={look.busy} onClick={again}>
              {look.busy ? "Looking …" : "Look again"}
            </button>
          )}
        </span>
      }
    >
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {look.error !== "" && <Notice kind="error">{look.error}</Notice>}
      {shown && shown.trouble !== "" && <Notice kind="warning">{shown.trouble}</Notice>}
      {shown && !groups && <Notice kind="warning">The doctor's answer cannot be read.</Notice>}
      {shown?.json === "" && shown.trouble === "" && <p class="empty">The doctor has not looked yet.</p>}
      {groups && groups.length > 0 && <Groups groups={groups} />}
    </Panel>
  );
}

function Groups({ groups }: { readonly groups: readonly FindingGroup[] }) {
  const { ok, warning, problem } = levelCounts(groups);
  return (
    <>
      <p>
        {counted(problem, "problem")}, {counted(warning, "warning")}, {ok} ok
      </p>
      <div class="columns">
        {groups.map(({ title, findings }) => (
          <section key={title}>
            <h3>{title}</h3>
            <ul class="findings">
              {findings.map((finding, at) => (
                <Finding key={at} finding={finding} />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </>
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function Finding({ finding: { level, text, advice, fixable } }: { readonly finding: ShownFinding }) {
  return (
    <li>
      <Badge {...LOOKS[level]} text={level} />
      <span>
        {text}
        {advice !== "" && <small class="below">To do: {advice}</small>}
        {fixable && <small class="below">"sluice doctor --fix" does it.</small>}
      </span>
    </li>
  );
}

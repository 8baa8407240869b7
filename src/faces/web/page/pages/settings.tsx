/** What may be changed here: settings of the daemon, tokens of programs, and one's own logins. */
import { dateTime } from "../format.ts";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { useOrder } from "../kit/use-order.ts";
import { useLive } from "../live.ts";
import { isAdmin, signOut, viewer } from "../session.ts";
import { SettingsPanel } from "./settings-panel.tsx";
import { TokensPanel } from "./tokens-panel.tsx";

export function Page() {
  useLive({ view: "none" });
  return (
    <>
      <h1>Settings</h1>
      {isAdmin() && <SettingsPanel />}
      {isAdmin() && <TokensPanel />}
      <LoginPanel />
    </>
  );
}

function LoginPanel() {
  const leaving = useOrder();
  const session = viewer();
  if (!session) return null;
  return (
    <Panel title="Your login">
      <p>
        <bdi>{session.name}</bdi> ({session.role}), until {dateTime(session.expiresAt, session.timeZone)} at
        the latest.
      </p>
      {leaving.error !== "" && <Notice kind="error">{leaving.error}</Notice>}
      <div class="buttons">
        <button
          type="button"
          class="danger"
          disabled={leaving.busy}
          onClick={() => leaving.run(() => signOut(true))}
        >
          Sign out everywhere
        </button>
      </div>
    </Panel>
  );
}

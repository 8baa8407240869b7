/** Opens the web's socket on the daemon, with what is behind it. */
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type { Desk } from "../control/rows.ts";
import { serveWeb } from "../control/web-service.ts";
import { webSocket } from "../control/web-socket.ts";
import { mayAskAsWeb, webGroup } from "../local-users.ts";
import type { Log } from "../log.ts";
import type { EventFile } from "../storage/events.ts";
import { DoctorRun, doctorCommand } from "./doctor-run.ts";
import { SettingsEditor } from "./settings-editor.ts";
import type { SshPresence } from "./ssh-presence.ts";
import { WebAudit } from "./web-audit.ts";
import { DaemonWebDesk } from "./web-desk.ts";

export interface WebDoorOptions {
  readonly settings: Settings;
  readonly desk: Desk;
  readonly ssh: Pick<SshPresence, "rows"> | undefined;
  readonly events: EventFile;
  readonly clock: Clock;
  readonly log: Log;
  /** As `SettingsEditorOptions` has it. */
  readonly takeOver: (() => Promise<boolean>) | undefined;
}

/** @throws the system's error when the socket cannot be made. */
export async function openWebDoor(options: WebDoorOptions): Promise<AsyncDisposable> {
  const { settings, desk, ssh, events, clock, log, takeOver } = options;
  await using parts = new AsyncDisposableStack();
  const webDesk = new DaemonWebDesk({
    ...{ desk, ssh, mayDelete: settings.web?.mayDelete ?? false },
    audit: parts.use(new WebAudit(events)),
    editor: new SettingsEditor({ settings, environment: process.env, events, takeOver }),
    doctor: parts.use(new DoctorRun({ command: doctorCommand(settings.path), clock })),
  });
  // As another user than root we cannot give it away: then nobody else may write to it.
  const group = process.getuid?.() === 0 ? webGroup() : undefined;
  parts.use(await serveWeb(webDesk, { path: webSocket(settings), group, mayEnter: mayAskAsWeb, log }));
  return parts.move();
}

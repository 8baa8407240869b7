/**
 * The web's service on a Unix socket of its own: a listed set of calls, for the
 * uid of the web. Whoever takes the web over can ask for no more than these.
 */
import { RefusedRequestError } from "../errors.ts";
import type { Log } from "../log.ts";
import { unary } from "./answering.ts";
import { WEB_SERVICE } from "./definition.ts";
import type { AuditRow, SettingChange, WebDesk } from "./rows.ts";
import { serveService } from "./service-socket.ts";
import { sharedCalls } from "./shared-calls.ts";

export interface WebServiceOptions {
  readonly path: string;
  /** Who may write to the socket beside ourselves; undefined: nobody. */
  readonly group: number | undefined;
  readonly mayEnter: (uid: number) => boolean;
  readonly log: Log;
}

/** The web has one, and another while it restarts. */
const MOST_CONNECTIONS = 8;
/** Printable, in whole characters. */
const ACTOR = /^[^\p{C}]{1,64}$/u;

export function serveWeb(desk: WebDesk, options: WebServiceOptions): Promise<AsyncDisposable> {
  return serveService({
    ...options,
    ...{ name: "web", definition: WEB_SERVICE, calls: callsOf(desk), most: MOST_CONNECTIONS },
    mode: options.group === undefined ? 0o600 : 0o660,
  });
}

function callsOf(desk: WebDesk) {
  return {
    ...sharedCalls(desk, authorOf),
    SshLogins: unary(async () => ({ logins: await desk.sshLogins() })),
    Audit: unary(async ({ rows }: { rows: readonly AuditRow[] }) => {
      await desk.audit(rows);
      return {};
    }),
    Settings: unary(async () => ({ settings: await desk.settings() })),
    ChangeSettings: unary(
      async ({ changes, actor }: { changes: readonly SettingChange[]; actor: string }) => ({
        settings: await desk.changeSettings(changes, authorOf(actor)),
      }),
    ),
    Findings: unary(({ anew }: { anew: boolean }) => desk.findings(anew)),
  };
}

/** @throws {RefusedRequestError} unless it can be a name. */
function authorOf(actor: string): string {
  if (!ACTOR.test(actor)) {
    throw new RefusedRequestError(
      `Cannot take an order: expected the name of who gave it, 1 to 64 printable characters, got ${JSON.stringify(actor.slice(0, 80))}`,
    );
  }
  return `${actor} (web)`;
}

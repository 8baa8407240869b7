/**
 * What the web's parts share while it runs: its database, who may sign in, what is
 * refused, and what is told of it. Built before the parts, and closed after them.
 */
import type { Settings } from "../../config.ts";
import type { WebSettings } from "../../config-parts.ts";
import type { AuditRow } from "../../control/rows.ts";
import type { Log } from "../../log.ts";
import { Db } from "../../sqlite.ts";
import { webDatabasePath } from "../../web-folder.ts";
import { AuditTrail } from "./audit-trail.ts";
import { Admins } from "./auth/admins.ts";
import { Identities } from "./auth/identity.ts";
import { Logins } from "./auth/logins.ts";
import { SignIn } from "./auth/sign-in.ts";
import { Tokens } from "./auth/tokens.ts";
import { WEB } from "./auth/web-schema.ts";
import { Door } from "./http/door.ts";
import { Refusals } from "./http/refusals.ts";
import type { Viewer } from "./viewer.ts";

export interface CoreOptions {
  readonly settings: Settings;
  /** The settings' part on the web, which may be switched off there. */
  readonly web: WebSettings;
  readonly log: Log;
  /** `WebDesk.audit`. May reject: the rows come again. */
  readonly audit: (rows: readonly AuditRow[]) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface WebCore extends AsyncDisposable, CoreOptions {
  readonly admins: Admins;
  readonly logins: Logins;
  readonly tokens: Tokens;
  readonly identities: Identities;
  readonly signIn: SignIn;
  readonly door: Door;
  readonly refusals: Refusals;
  readonly trail: AuditTrail;
  /** Whether who is at a live socket is still signed in, or his token not revoked: ask every few seconds. */
  readonly stillMay: (viewer: Viewer) => boolean;
}

/** @throws {DamagedStateError} for a web.db of a newer version; SQLite's error for one it cannot use. */
export function openWebCore(options: CoreOptions): WebCore {
  const { settings, web, now } = options;
  const db = Db.openToWrite(webDatabasePath(settings), WEB);
  const trail = new AuditTrail(options.audit);
  const [admins, logins, tokens] = [new Admins(db), new Logins(db, web), new Tokens(db)];
  const identities = new Identities(logins, tokens, now);
  return {
    ...{ ...options, admins, logins, tokens, identities, trail },
    signIn: new SignIn(admins, logins, now),
    door: new Door(web),
    refusals: new Refusals(trail),
    stillMay: (viewer) => identities.lasts(viewer),
    async [Symbol.asyncDispose]() {
      await trail[Symbol.asyncDispose]();
      db[Symbol.dispose]();
    },
  };
}

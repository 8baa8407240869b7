/** What the web asks of the daemon, over the socket that is made for it. */
import { WEB_SERVICE } from "./definition.ts";
import { DeskClient } from "./desk-client.ts";
import type { AuditRow, FindingsReply, SettingChange, SettingRow, SshLoginRow, WebDesk } from "./rows.ts";

/** The daemon lets the doctor look for a minute. */
const FINDINGS_DEADLINE_MS = 70_000;

export class WebClient extends DeskClient implements WebDesk {
  /** @param path as `webSocket()` tells it. A daemon that is not there, or was restarted, is looked for at each call. */
  constructor(path: string) {
    super(WEB_SERVICE, path);
  }

  async sshLogins(): Promise<readonly SshLoginRow[]> {
    return (await this.call<{ logins: readonly SshLoginRow[] }>("SshLogins", {})).logins;
  }

  async audit(rows: readonly AuditRow[]): Promise<void> {
    await this.call("Audit", { rows });
  }

  async settings(): Promise<readonly SettingRow[]> {
    return (await this.call<{ settings: readonly SettingRow[] }>("Settings", {})).settings;
  }

  async changeSettings(changes: readonly SettingChange[], actor: string): Promise<readonly SettingRow[]> {
    const list = await this.call<{ settings: readonly SettingRow[] }>("ChangeSettings", { changes, actor });
    return list.settings;
  }

  findings(anew: boolean): Promise<FindingsReply> {
    return this.call("Findings", { anew }, FINDINGS_DEADLINE_MS);
  }
}

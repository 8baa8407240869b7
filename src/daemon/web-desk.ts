/**
 * The desk at which the web asks: the administrator's, with less to order and
 * more to see.
 *
 * Without `web.may_delete` nothing that the web orders deletes anybody: neither
 * at once, nor by a limit that it sets a byte above what somebody has used.
 */
import type {
  AuditRow,
  Desk,
  FindingsReply,
  KickReply,
  LimitRequest,
  OpenvpnLoginRow,
  OpenvpnServerRow,
  SettingChange,
  SettingRow,
  SshLoginRow,
  Status,
  UserRow,
  Watch,
  WatchRequest,
  WebDesk,
} from "../control/rows.ts";
import { RefusedRequestError } from "../errors.ts";
import type { DoctorRun } from "./doctor-run.ts";
import type { SettingsEditor } from "./settings-editor.ts";
import type { SshPresence } from "./ssh-presence.ts";
import type { WebAudit } from "./web-audit.ts";

export interface WebDeskOptions {
  readonly desk: Desk;
  readonly mayDelete: boolean;
  /** Undefined where SSH is switched off. */
  readonly ssh: Pick<SshPresence, "rows"> | undefined;
  readonly audit: WebAudit;
  readonly editor: SettingsEditor;
  readonly doctor: DoctorRun;
}

export class DaemonWebDesk implements WebDesk {
  readonly #options: WebDeskOptions;

  constructor(options: WebDeskOptions) {
    this.#options = options;
  }

  status(): Promise<Status> {
    return this.#options.desk.status();
  }

  listUsers(name: string): Promise<readonly UserRow[]> {
    return this.#options.desk.listUsers(name);
  }

  setLimit(request: LimitRequest, by: string): Promise<UserRow> {
    const { desk, mayDelete } = this.#options;
    return desk.setLimit({ ...request, sparesLogin: !mayDelete }, by);
  }

  reset(names: { readonly name: string; readonly all: boolean }, by: string): Promise<readonly UserRow[]> {
    return this.#options.desk.reset(names, by);
  }

  setDisabled(name: string, disabled: boolean, by: string): Promise<UserRow> {
    return this.#options.desk.setDisabled(name, disabled, by);
  }

  async delete(name: string, keepLogin: boolean, by: string): Promise<void> {
    const { desk, mayDelete } = this.#options;
    if (!mayDelete) {
      throw new RefusedRequestError(
        `Cannot delete "${name}": expected "web": { "may_delete": true } in the settings for the web to delete accounts, got false`,
      );
    }
    await desk.delete(name, keepLogin, by);
  }

  watch(request: WatchRequest, signal: AbortSignal): Watch {
    return this.#options.desk.watch(request, signal);
  }

  openvpnServers(): Promise<readonly OpenvpnServerRow[]> {
    return this.#options.desk.openvpnServers();
  }

  openvpnLogins(): Promise<readonly OpenvpnLoginRow[]> {
    return this.#options.desk.openvpnLogins();
  }

  openvpnKick(name: string, by: string): Promise<KickReply> {
    return this.#options.desk.openvpnKick(name, by);
  }

  async sshLogins(): Promise<readonly SshLoginRow[]> {
    return this.#options.ssh?.rows() ?? [];
  }

  async audit(rows: readonly AuditRow[]): Promise<void> {
    this.#options.audit.take(rows);
  }

  async settings(): Promise<readonly SettingRow[]> {
    return this.#options.editor.rows();
  }

  changeSettings(changes: readonly SettingChange[], by: string): Promise<readonly SettingRow[]> {
    return this.#options.editor.change(changes, by);
  }

  findings(anew: boolean): Promise<FindingsReply> {
    return this.#options.doctor.findings(anew);
  }
}

/** What faces may know of an OpenVPN server, and may ask of it. */
import type { KickReply, OpenvpnLoginRow, OpenvpnServerRow } from "../control/rows.ts";
import type { UserName } from "../names.ts";

/** The service's name in accounts, whichever server a user comes to. */
export const OPENVPN = "openvpn";

export interface OpenvpnView {
  /** Nothing of the kind is on this host, and nobody asked for it: not worth showing. */
  readonly idle: boolean;
  row(): OpenvpnServerRow;
  logins(): readonly OpenvpnLoginRow[];
  /**
   * Ends all logins of this user here; he may come again at once.
   *
   * @throws {UnreachableError} when the server does not answer, or only its status file is read.
   */
  kick(user: UserName): Promise<KickReply>;
}

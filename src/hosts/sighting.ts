/**
 * One look at a name or an address that a client asked for.
 *
 * Pure: types alone.
 */
import type { UserName } from "../names.ts";
import type { UnixTime } from "../units.ts";

/** How a host was seen, or through which service its client came: the second field of hosts.log. */
export type Service = (typeof SERVICES)[number];

/** In the order in which the sidecar numbers them: new ones go to the end. */
export const SERVICES = [
  ...(["SNI", "Header-Host", "Proxy-Host", "QUIC", "SSH", "Dropbear", "VMESS", "VLESS", "TROJAN"] as const),
  ...(["SHADOWSOCKS", "OPENVPN", "IP", "Manual", "XRAY", "DNS"] as const),
] as const;

export interface Sighting {
  /** As it came, unchecked. */
  readonly host: string;
  readonly service: Service;
  /** The client's address where it is known. */
  readonly source: string | undefined;
  readonly at: UnixTime;
  /** Whose it was; only asked for and kept if the settings say so. */
  readonly account?: UserName;
  /** Perhaps only the outer name of an encrypted ClientHello (`SniffedName.ech`). */
  readonly ech?: true;
}

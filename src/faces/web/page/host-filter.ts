/**
 * Which of the captured hosts are looked at, and where the API has them.
 *
 * Pure: no clock, no I/O.
 */

export interface HostFilter {
  /** Part of the name. */
  readonly text: string;
  readonly service: string;
  /** A client's whole address. */
  readonly source: string;
}

/** How a host can have been seen, as hosts.log has it. */
export const SERVICES = [
  ...(["SNI", "Header-Host", "Proxy-Host", "QUIC", "SSH", "Dropbear", "VMESS", "VLESS", "TROJAN"] as const),
  ...(["SHADOWSOCKS", "OPENVPN", "IP", "Manual", "XRAY", "DNS"] as const),
] as const;

export const PAGE_ROWS = 200;

/** Nothing is left out: what the live line tells is what is wanted. */
export function isOpen({ text, service, source }: HostFilter): boolean {
  return text === "" && service === "" && source === "";
}

/** @param offset of the first, counted from the newest. */
export function listPath(filter: HostFilter, offset: number): string {
  return `hosts?${queryOf(filter, { offset: String(offset), limit: String(PAGE_ROWS) })}`;
}

export function exportPath(filter: HostFilter, format: "txt" | "csv"): string {
  return `hosts/export?${queryOf(filter, { format })}`;
}

function queryOf({ text, service, source }: HostFilter, more: Readonly<Record<string, string>>): string {
  const given = Object.entries({ q: text.trim(), service, source: source.trim() }).filter(
    ([, value]) => value !== "",
  );
  return new URLSearchParams([...given, ...Object.entries(more)]).toString();
}

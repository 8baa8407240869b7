/**
 * Logins at OpenVPN and SSH, those that last and those of the history, as one kind of row.
 *
 * Pure: no clock, no I/O.
 */
import type { OpenvpnLoginRow, SshLoginRow } from "../../../control/rows.ts";
import { splitEndpoint } from "../../../endpoint-text.ts";
import type { LoginRecord } from "../../../history/records.ts";
import type { SessionRow } from "../wire.ts";

/** A country by an address without its port; "" is not known. */
export type CountryOf = (address: string) => string;

export function openvpnSession(login: OpenvpnLoginRow, countryOf: CountryOf): SessionRow {
  const { server, user, clientId, realAddress, sinceMs } = login;
  return {
    id: `openvpn:${server}:${user}:${clientId}:${sinceMs}:${realAddress}`,
    account: user,
    service: "openvpn",
    keeper: `openvpn:${server}`,
    realAddress,
    addresses: login.addresses,
    began: sinceMs,
    ended: null,
    uplink: login.uplinkBytes,
    downlink: login.downlinkBytes,
    denied: login.denied,
    country: countryOf(splitEndpoint(realAddress).address),
  };
}

/** The kernel counts an account's bytes, and not those of one login. */
export function sshSession(login: SshLoginRow, countryOf: CountryOf): SessionRow {
  const { account, daemon, pid, address, port, sinceMs, denied } = login;
  return {
    id: `ssh:${daemon}:${pid}:${sinceMs}`,
    account,
    service: "ssh",
    keeper: daemon,
    realAddress: port === 0 ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`,
    addresses: [],
    began: sinceMs,
    ended: null,
    uplink: null,
    downlink: null,
    denied,
    country: countryOf(address),
  };
}

export function pastSession(login: LoginRecord, countryOf: CountryOf): SessionRow {
  const counted = login.service !== "ssh";
  return {
    id: login.id,
    account: login.account,
    service: login.service,
    keeper: login.keeper,
    realAddress: login.realAddress,
    addresses: [login.address4, login.address6].filter((address) => address !== ""),
    began: login.began,
    ended: login.ended ?? null,
    uplink: counted ? login.up : null,
    downlink: counted ? login.down : null,
    denied: false,
    country: countryOf(splitEndpoint(login.realAddress).address),
  };
}

export interface SessionFilter {
  readonly account?: string | undefined;
  readonly service?: string | undefined;
  /** Those that began then or later are left out. */
  readonly until?: number | undefined;
  readonly limit: number;
}

/** Newest first. */
export function filteredSessions(rows: readonly SessionRow[], filter: SessionFilter): SessionRow[] {
  const { account, service, until, limit } = filter;
  return rows
    .filter(
      (row) =>
        (account === undefined || row.account === account) &&
        (service === undefined || row.service === service) &&
        (until === undefined || row.began < until),
    )
    .toSorted((one, other) => other.began - one.began || (one.id < other.id ? -1 : 1))
    .slice(0, limit);
}

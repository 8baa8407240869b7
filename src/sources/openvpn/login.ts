/**
 * One login at an OpenVPN server, and what it is called in the books.
 *
 * A counter lives as long as a login: from a client's handshake to its end.
 * Client IDs start over for other users when the server restarts, addresses
 * change under a login, and one certificate may be in use on several devices:
 * so a login is told by server, user, the moment it began and its client ID
 * (facts: openvpn, 8).
 *
 * Pure: no clock, no I/O.
 */
import { type CounterName, epochName, type KeeperName, type UserName } from "../../names.ts";
import type { Traffic } from "../../units.ts";

export interface VpnLogin {
  /** His account's name: the common name or the name he signs in with, as the settings say. */
  readonly user: UserName;
  readonly commonName: string;
  /** The name he signed in with; undefined without one. */
  readonly signedInAs: string | undefined;
  /** The server's number for him; undefined from servers before 2.4 and in status version 1. */
  readonly clientId: number | undefined;
  /** When it began, in whole seconds since 1970. */
  readonly since: number;
  /** Where his packets come from, as the server writes it: "10.0.0.1:1194", "fd00::1". Changes under a login. */
  readonly realAddress: string;
  /** His addresses in the tunnel, IPv4 and IPv6; empty until he has one. */
  readonly addresses: readonly string[];
  /** Networks behind him that the server routes to him (iroute), as "192.0.2.0/24". */
  readonly subnets: readonly string[];
  /** Link bytes since it began: what he sent is the uplink. */
  readonly traffic: Traffic;
}

/** One look at a server's status. */
export interface ServerLook {
  /** When the server wrote it, in seconds since 1970 by its clock. */
  readonly writtenAt: number;
  /** Logins that are through: those still at the door have neither name nor bytes of theirs. */
  readonly logins: readonly VpnLogin[];
  /** Clients at the door. */
  readonly pending: number;
  /** The kernel moves the packets (data channel offload); undefined where the server does not say. */
  readonly dco: boolean | undefined;
  /** Rows that could not be used, one by one; the others stand. */
  readonly rejected: readonly { readonly name: string; readonly why: string }[];
}

/** Logins never share a counter, so none of a server's counters ever starts over. */
export const EVERY_LOGIN = epochName("logins");

/** What tells a login from all others of its user at this server. */
export type LoginKey = Pick<VpnLogin, "user" | "clientId" | "since" | "realAddress">;

/** "openvpn:server:alice#1795219975/3"; with its address where the server gives no number. */
export function counterOfLogin(
  keeper: KeeperName,
  { user, clientId, since, realAddress }: LoginKey,
): CounterName {
  return `${keeper}:${user}#${since}/${clientId ?? realAddress}` as unknown as CounterName;
}

/** What a counter's name says of its login; undefined for a counter of another keeper or make. */
export function loginOfCounter(
  keeper: KeeperName,
  counter: CounterName,
): { readonly user: string; readonly since: number; readonly tail: string } | undefined {
  const prefix = `${keeper}:`;
  if (!counter.startsWith(prefix)) return undefined;
  const { user, since, tail } =
    /^(?<user>.+)#(?<since>\d+)\/(?<tail>[^#/]+)$/u.exec(counter.slice(prefix.length))?.groups ?? {};
  return user && since && tail ? { user, since: Number(since), tail } : undefined;
}

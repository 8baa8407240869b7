/**
 * The captured hosts as the live line tells them, the newest first.
 *
 * Pure: no clock, no I/O.
 */
import type { HostEntry, LiveMessage } from "../wire.ts";

export interface HostList {
  /** False before the first list. */
  readonly told: boolean;
  /** How many the capture has; more than are listed. */
  readonly total: number;
  readonly hosts: readonly HostEntry[];
}

export const NO_HOSTS: HostList = { told: false, total: 0, hosts: [] };

/** A page that is left open all day must not grow all day. */
const KEPT = 1_000;

export function withHosts(list: HostList, message: LiveMessage & { readonly type: "hosts" }): HostList {
  if (message.full) return { told: true, total: message.total, hosts: message.hosts };
  const replaced = new Set([...message.gone, ...message.hosts.map(({ host }) => host)]);
  const hosts = [...message.hosts, ...list.hosts.filter(({ host }) => !replaced.has(host))].slice(0, KEPT);
  return { told: true, total: message.total, hosts };
}

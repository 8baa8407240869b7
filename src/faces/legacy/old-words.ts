/**
 * What the old tables call things: states, and how an account was made.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow, UserState } from "../../control/rows.ts";

/** Of `show` and the live monitor. The old ones had no word for a disabled user: he looked as if nothing were the matter. */
export const STATUS_WORDS: Readonly<Record<UserState, string>> = {
  ok: "OK",
  warning: "WARNING",
  limited: "EXCEEDED",
  disabled: "DISABLED",
  unlimited: "UNLIMITED",
};

/** Of `list`, whose column is narrower. */
export const LIST_WORDS: Readonly<Record<UserState, string>> = {
  ...STATUS_WORDS,
  warning: "WARN",
  limited: "EXCEED",
  unlimited: "UNLIM",
};

/**
 * The account's type in the old words: an engine's protocol, "ssh", or the service where no config says more.
 * The old scripts had no word for OpenVPN: it stands only where he has nothing else.
 */
export function typeOf({ services, protocols }: UserRow): string {
  const service = services.find((each) => each !== "openvpn") ?? services[0] ?? "-";
  if (service !== "xray") return service;
  const [protocol = service] = protocols;
  return protocol === "shadowsocks" ? "ssws" : protocol;
}

/** What was done to a user by "disable" and "enable": a line for his login, then one for each service else. */
export function switchedText(user: string, services: readonly string[], disabled: boolean): string {
  const [login, other] = disabled ? ["locked", "disabled"] : ["unlocked", "enabled"];
  const ssh = services.includes("ssh") ? [`SSH user ${user} has been ${login}`] : [];
  const openvpn = services.includes("openvpn") ? [`OpenVPN user ${user} has been ${other}`] : [];
  const xray = services.includes("xray") || ssh.length + openvpn.length === 0;
  return [...ssh, ...(xray ? [`Xray user ${user} has been ${other}`] : []), ...openvpn].join("\n");
}

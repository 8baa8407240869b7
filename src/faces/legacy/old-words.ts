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

/** The account's type in the old words: an engine's protocol, "ssh", or the service where no config says more. */
export function typeOf({ services, protocols }: UserRow): string {
  const [service = "-"] = services;
  if (service !== "xray") return service;
  const [protocol = service] = protocols;
  return protocol === "shadowsocks" ? "ssws" : protocol;
}

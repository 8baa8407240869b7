/**
 * What a hook of somebody else's is for, by its text: whether a server can do
 * without it.
 *
 * Pure: no clock, no I/O.
 */

/**
 * "monitor" keeps books, as Sluice does; "needed" tells clients apart, lets them
 * in or tells them their routes; "unknown" could be either.
 */
export type HookKind = "monitor" | "needed" | "unknown";

/** What a client is told, or who decides over him. */
const NEEDED =
  /ifconfig-push|iroute|push[\s"'-]|client_connect_(?:config|deferred)_file|\$\{?1\b|sys\.argv\[1\]|radius|ldap|password|otp|totp|pam_/i;
const BOOKS = /bytes_(?:received|sent)|quota|traffic|usage|bandwidth|time_duration|sqlite|\.db\b/i;

/** @param text undefined for one that cannot be read. */
export function hookKind(text: string | undefined): HookKind {
  if (text === undefined || text.includes("\0")) return "unknown";
  if (NEEDED.test(text)) return "needed";
  return BOOKS.test(text) ? "monitor" : "unknown";
}

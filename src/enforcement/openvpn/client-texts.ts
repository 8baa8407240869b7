/**
 * What a server's management interface is told about a client, in its words.
 *
 * Names and reasons are put between quotes, so nothing in them is taken for
 * another word or another command (facts: openvpn, 3 and 5).
 *
 * Pure: no clock, no I/O.
 */
import type { Milliseconds } from "../../units.ts";

/** The server takes no more in one word, in bytes. */
const LONGEST_WORD = 255;
/** `kill` copies the name into 128 bytes with their end, and goes by what is left of a longer one. */
const LONGEST_KILL = 127;

/**
 * What a client that is to wait is told: it shows the reason, and comes again by
 * itself after that time.
 *
 * A client before 2.6 knows no such wait: it ends with the text in its log,
 * unless it is told to try again (`auth-retry nointeract`).
 */
export function waitMessage(backoff: Milliseconds, reason: string): string {
  return `AUTH_FAILED,${waitText(backoff, reason)}`;
}

/** What a client that may come again at once is told. */
export const RECONNECT = "RESTART";

/** Ends a login, whose client hears the message first; its packets move for up to 5 s more. */
export function killByClient(clientId: number, message: string): string {
  return `client-kill ${clientId} ${quoted(cut(message))}`;
}

/**
 * Ends all logins of a common name at once.
 *
 * @returns undefined for a name that the command takes for something else: one
 * with a colon is an address to it, and a longer one somebody else's.
 */
export function killByName(commonName: string): string | undefined {
  const fits = commonName !== "" && bytesOf(commonName) <= LONGEST_KILL;
  return fits && !commonName.includes(":") && !hasControl(commonName)
    ? `kill ${quoted(commonName)}`
    : undefined;
}

/** Lets a client in that asks at the door. */
export function letIn(clientId: number, keyId: number): string {
  return `client-auth-nt ${clientId} ${keyId}`;
}

/** Refuses him at the door: the first text is for the server's log, and he shows the reason, waits, and comes again by itself. */
export function refuse(clientId: number, keyId: number, backoff: Milliseconds, reason: string): string {
  return `client-deny ${clientId} ${keyId} "denied by Sluice" ${quoted(cut(waitText(backoff, reason)))}`;
}

function waitText(backoff: Milliseconds, reason: string): string {
  return `TEMP[backoff ${Math.ceil(backoff / 1000)}]:${withoutControl(reason)}`;
}

/** As the server takes words apart: a backslash makes the next character plain. */
function quoted(text: string): string {
  return `"${withoutControl(text).replace(/["\\]/g, "\\$&")}"`;
}

/** No longer than the server takes, and no half of a character. */
function cut(text: string): string {
  let kept = text;
  while (bytesOf(kept) > LONGEST_WORD || !kept.isWellFormed()) kept = kept.slice(0, -1);
  return kept;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function hasControl(text: string): boolean {
  return withoutControl(text) !== text;
}

function withoutControl(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "");
}

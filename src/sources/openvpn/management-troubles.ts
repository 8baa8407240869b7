/**
 * Why a management interface cannot be used, as an operator can act on it.
 *
 * Pure: no clock, no I/O.
 */
import { codeOf } from "../../errors.ts";

const REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOENT", "there is no such socket; is the server running, and is this its management socket?"],
  ["ECONNREFUSED", "nobody listens there; the server is not running"],
  ["EACCES", "Sluice has no right to open it"],
  ["EPERM", "Sluice has no right to open it"],
  ["EAGAIN", "other programs hold the management socket and wait for it"],
]);

/** A server in hold takes commands, and no clients. */
export const HELD =
  'The server waits in hold and serves nobody: set "release_hold": true if no other program releases it';

/** @param error what connecting, reading or writing ended with. */
export function reasonForError(error: Error): string {
  return REASONS.get(codeOf(error)) ?? error.message;
}

/** Why the server closed the line without an error. */
export function reasonForClose(greeted: boolean, withPassword: boolean): string {
  if (greeted) return "the server closed it";
  if (withPassword) return "it was closed behind the password";
  return "it was closed before its greeting; management-client-user or management-client-group lets others in";
}

/**
 * Which of the daemon's notes a check of the doctor's own says better, with what
 * to do. A note that is not known here is shown as it is.
 *
 * Pure: no clock, no I/O.
 */
import type { EngineFacts } from "../engine-facts.ts";

const SAID_BY_CHECKS: readonly RegExp[] = [
  /^config has no "stats":/,
  /^no HandlerService:/,
  /^\d+ inbounds without a tag:/,
  /^the access log masks addresses:/,
  /^no access log:/,
  /^downloads of \d+ users \(vision, socks, http\)/,
  /^config: /,
];

/** The check on sshd says it with the logins it is true of. */
const UNSEEN_OF_SSH = /^not seen: scp, sftp and commands/;

/** Whether the note is about SSH, or an engine whose config the doctor read itself. */
export function coveredBy(note: string, engines: readonly EngineFacts[], source: string): boolean {
  if (UNSEEN_OF_SSH.test(note)) return true;
  const config = engines.find(({ settings: { name } }) => name === source)?.config;
  if (config?.kind !== "read") return false;
  return SAID_BY_CHECKS.some((pattern) => pattern.test(note)) || config.content.problems.includes(note);
}

/**
 * Names of logins that may stand in a path and in a command's arguments.
 *
 * What Debian's useradd takes (shadow, chkname.c, as relaxed there), but for
 * letters beyond ASCII: nothing that could pass for an option, a path, a
 * pattern or two words. `$` ends the names of machine accounts.
 *
 * Pure: no clock, no I/O.
 */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}\$?$/;

export function isPlainName(name: string): boolean {
  return PLAIN.test(name);
}

/** @throws {RangeError} for any other: it reaches no path and no command. */
export function requirePlainName(name: string): void {
  if (!isPlainName(name)) {
    throw new RangeError(
      `Cannot hand the name ${JSON.stringify(name.slice(0, 80))} to system tools: expected letters, digits and _ . @ -, not at the front the last three`,
    );
  }
}

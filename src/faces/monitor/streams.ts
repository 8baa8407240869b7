/** What a monitor reads from and writes to, and where it may draw. */
import { codeOf } from "../../errors.ts";
import type { Keyboard } from "./keys.ts";
import type { Terminal } from "./screen.ts";

export interface MonitorStreams {
  readonly terminal: Terminal & { readonly isTTY?: boolean };
  readonly keyboard: Keyboard;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function processStreams(): MonitorStreams {
  return { terminal: process.stdout, keyboard: process.stdin, environment: process.env };
}

/** Whether cells can be addressed there: lines are written elsewhere. */
export function canDraw({ terminal, environment }: MonitorStreams): boolean {
  return terminal.isTTY === true && !["", "dumb"].includes(environment["TERM"] ?? "");
}

/**
 * Writes lines until they are at their end, or whoever reads them has seen enough.
 *
 * @param leave ends what writes.
 * @throws what kept a line from being written, unless it is that.
 */
export async function writingLines(
  terminal: Terminal,
  leave: () => void,
  write: () => Promise<void>,
): Promise<void> {
  let trouble: unknown;
  terminal.on("error", (error) => {
    trouble ??= error;
    leave();
  });
  await write();
  if (trouble !== undefined && codeOf(trouble) !== "EPIPE") throw trouble;
}

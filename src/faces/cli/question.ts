/** Asks the person at the terminal. */
import { createInterface } from "node:readline/promises";
import { RefusedRequestError } from "../../errors.ts";

/**
 * @param yes what `--yes` answers without asking; undefined to ask.
 * @throws {RefusedRequestError} where nobody can be asked.
 */
export async function agrees(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes !== undefined) return yes;
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new RefusedRequestError(`Cannot ask "${question}": expected a terminal, or --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    // The end of the input, as by Ctrl-D, is no yes either.
    const ended = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
    const reply = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(reply.trim());
  } finally {
    terminal.close();
  }
}

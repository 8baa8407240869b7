/** Whether an operator agrees to what a command has shown him. */
import { createInterface } from "node:readline/promises";
import { RefusedRequestError } from "../../errors.ts";

/** Whether somebody is there to be asked: not in a pipe, and not where JSON is awaited. */
export function canAsk({ json }: { readonly json?: boolean }): boolean {
  return !json && process.stdin.isTTY && process.stdout.isTTY;
}

/** @param question without what may be answered. Anything but y is a no. */
export async function isAgreed(question: string): Promise<boolean> {
  return (await agreementTo(question)) ?? false;
}

/** @returns undefined at Ctrl-C and at the end of the input, which would be waited for for ever. */
export async function agreementTo(question: string): Promise<boolean | undefined> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  const left = new Promise<undefined>((resolve) => asking.once("close", () => resolve(undefined)));
  try {
    const answered = await Promise.race([asking.question(`${question} [y/N] `), left]);
    return answered === undefined ? undefined : /^y(es)?$/i.test(answered.trim());
  } finally {
    asking.close();
  }
}

/**
 * @param yes what `--yes` answers without asking; undefined to ask.
 * @throws {RefusedRequestError} where nobody can be asked.
 */
export async function agrees(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes !== undefined) return yes;
  if (!canAsk({})) throw new RefusedRequestError(`Cannot ask "${question}": expected a terminal, or --yes`);
  return isAgreed(question);
}

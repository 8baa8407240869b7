/** Whether an operator agrees to what a command has shown him. */
import { createInterface } from "node:readline/promises";

/** Whether somebody is there to be asked: not in a pipe, and not where JSON is awaited. */
export function canAsk({ json }: { readonly json?: boolean }): boolean {
  return !json && process.stdin.isTTY && process.stdout.isTTY;
}

/** @param question without what may be answered. */
export async function isAgreed(question: string): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  // The end of input is no answer, and would be waited for for ever.
  const ended = new Promise<string>((resolve) => asking.once("close", () => resolve("")));
  try {
    const answered = await Promise.race([asking.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answered.trim());
  } finally {
    asking.close();
  }
}

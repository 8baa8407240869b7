/**
 * Waits for any key on a terminal, as the old screens do between two tables.
 *
 * The terminal is raw only while it waits. Ctrl-C is a key like any other there
 * and is told apart: whoever presses it wants to leave.
 */
import { once } from "node:events";

/** @returns false when the key was Ctrl-C or the terminal is gone. */
export async function pressAnyKey(prompt: string): Promise<boolean> {
  const { stdin, stdout } = process;
  const over = new AbortController();
  const options = { signal: over.signal };
  stdout.write(prompt);
  stdin.setRawMode(true);
  stdin.resume();
  try {
    const end = once(stdin, "end", options).then(() => [CTRL_C]);
    const [key] = (await Promise.race([once(stdin, "data", options), end])) as [Buffer | string];
    return !key.toString().includes(CTRL_C);
  } catch {
    return false; // hung up
  } finally {
    over.abort();
    stdin.pause();
    stdin.setRawMode(false);
    stdout.write("\n");
  }
}

const CTRL_C = "\u0003";

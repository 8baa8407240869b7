/**
 * What the operator answers, a line at a time.
 *
 * One reader for the whole session, whatever menu asks: a second one would lose
 * the lines that the first had taken from a pipe ahead of their questions. It
 * reads only while somebody waits for an answer, so that a monitor started from
 * the menu has the terminal to itself. The terminal does the editing, as it does
 * for a shell's `read`: nothing has to be put back whatever ends the process.
 *
 * The end of input and Ctrl-C are one thing to whoever asks: there are no more
 * answers. While a command runs, Ctrl-C is meant for the command.
 */
import { once } from "node:events";
import { printable } from "../../log.ts";
import { pressAnyKey } from "../terminal/any-key.ts";

export class Answers implements Disposable {
  /** What has come and was not asked for yet. */
  #text = "";
  #over = false;
  readonly #interrupt = () => this.#interrupted?.abort();
  /** There only while an answer is waited for. */
  #interrupted: AbortController | undefined;

  /** Whether it is known that no more will come. */
  get over(): boolean {
    return this.#over;
  }

  constructor() {
    process.stdin.setEncoding("utf8");
    process.on("SIGINT", this.#interrupt);
  }

  /** @returns the next line without its end, or undefined when there are no more answers. */
  async line(prompt: string): Promise<string | undefined> {
    process.stdout.write(prompt);
    while (!this.#over && !this.#text.includes("\n")) {
      const more = await this.#more();
      if (more === undefined) this.#over = true;
      else this.#text += more;
    }
    const end = this.#text.indexOf("\n");
    const line = (end < 0 ? this.#text : this.#text.slice(0, end)).replace(/\r$/, "");
    this.#text = end < 0 ? "" : this.#text.slice(end + 1);
    const none = end < 0 && line === "";
    // A terminal has shown the answer already, and the end of its line.
    if (none || !process.stdin.isTTY) process.stdout.write(`${printable(line)}\n`);
    return none ? undefined : line;
  }

  /** Waits for a key on a terminal, for a line from a pipe, and not at all once there are no more answers. */
  async anyKey(prompt: string): Promise<void> {
    if (this.#over) return;
    if (!process.stdin.isTTY) await this.line(prompt);
    else if (!(await pressAnyKey(prompt))) this.#over = true;
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.#interrupt);
  }

  /** @returns undefined at the end of input and on Ctrl-C. */
  async #more(): Promise<string | undefined> {
    const { stdin } = process;
    if (stdin.readableEnded || stdin.destroyed) return undefined;
    const waiting = new AbortController();
    this.#interrupted = waiting;
    const options = { signal: waiting.signal };
    stdin.resume();
    try {
      const end = once(stdin, "end", options).then(() => [undefined]);
      const [text] = (await Promise.race([once(stdin, "data", options), end])) as [string | undefined];
      return text;
    } catch {
      return undefined; // Ctrl-C, or the terminal hung up
    } finally {
      this.#interrupted = undefined;
      waiting.abort();
      stdin.pause();
    }
  }
}

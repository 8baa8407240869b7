/**
 * One line to a management interface, from its greeting to its end: which
 * command an answer belongs to, and what comes unasked.
 *
 * Answers come in the order of the commands, so a queue tells them apart. Inside
 * a block every line belongs to it, even one that begins with ">": a client's
 * name may look like that in the first format of the status.
 */
import type { Socket } from "node:net";
import { UnreachableError } from "../../errors.ts";
import type { Milliseconds, MonotonicTime } from "../../units.ts";
import { RefusedCommandError } from "./management.ts";
import type { Answer } from "./management-commands.ts";
import { ManagementLines, realTimeLine } from "./management-lines.ts";

/** More than any status: a hundred thousand clients take half of it. */
const LARGEST_ANSWER = 64 << 20;

export interface SessionEvents {
  /** The server asks for the password. */
  onPrompt(): void;
  /** It takes commands from now on. */
  onGreeting(): void;
  /** A line that came unasked, with its ">". */
  onRealTime(line: string): void;
  /** Something that no server says, or not there: the line cannot be used any longer. */
  onFault(why: string): void;
}

interface Asked {
  readonly text: string;
  readonly answers: readonly Answer[];
  readonly sentAt: MonotonicTime;
  readonly lines: string[];
  /** How many of `answers` are whole. */
  whole: number;
  begun: boolean;
  size: number;
  refusal: string | undefined;
  settle(outcome: readonly string[] | Error): void;
}

export class ManagementSession {
  readonly #socket: Socket;
  readonly #events: SessionEvents;
  readonly #lines: ManagementLines;
  readonly #asked: Asked[] = [];
  #greeted = false;

  constructor(socket: Socket, events: SessionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#lines = new ManagementLines({
      onLine: (line) => this.#take(line),
      onPrompt: () => events.onPrompt(),
    });
  }

  get greeted(): boolean {
    return this.#greeted;
  }

  feed(chunk: Buffer): void {
    try {
      this.#lines.feed(chunk);
    } catch (error) {
      this.#events.onFault(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param answers as `answersTo()` tells them of this text. */
  ask(
    text: string,
    answers: readonly Answer[],
    sentAt: MonotonicTime,
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const abort = () => reject(signal?.reason); // its answer comes all the same, and is passed over
    signal?.addEventListener("abort", abort, { once: true });
    this.#asked.push({
      text,
      answers,
      sentAt,
      lines: [],
      whole: 0,
      begun: false,
      size: 0,
      refusal: undefined,
      settle: (outcome) => {
        signal?.removeEventListener("abort", abort);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      },
    });
    this.#socket.write(`${text}\n`);
    return promise;
  }

  /** The command that has waited for its answer longer than `span`, if one has. */
  overdue(
    now: MonotonicTime,
    span: Milliseconds,
  ): { readonly text: string; readonly begun: boolean } | undefined {
    const [first] = this.#asked;
    return first && now - first.sentAt > span ? first : undefined;
  }

  /** Fails whatever waits for an answer. */
  end(why: string): void {
    for (const asked of this.#asked.splice(0)) asked.settle(new UnreachableError(why));
  }

  #take(line: string): void {
    const [asked] = this.#asked;
    if (!asked?.begun && line.startsWith(">")) {
      if (!this.#greeted && realTimeLine(line)?.kind === "INFO") {
        this.#greeted = true;
        this.#lines.prompting = false;
        this.#events.onGreeting();
      }
      this.#events.onRealTime(line);
    } else if (!this.#greeted) {
      if (!line.startsWith("SUCCESS:")) {
        this.#events.onFault(`it is no management interface: it said ${JSON.stringify(line.slice(0, 80))}`);
      }
    } else if (!asked) {
      this.#events.onFault(`it answered ${JSON.stringify(line.slice(0, 80))} to no command`);
    } else this.#answer(asked, line);
  }

  #answer(asked: Asked, line: string): void {
    const block = asked.answers[asked.whole] === "block";
    const refused = !asked.begun && line.startsWith("ERROR:");
    if (block && line !== "END" && !refused) {
      asked.begun = true;
      asked.size += line.length;
      asked.lines.push(line);
      if (asked.size > LARGEST_ANSWER) {
        this.#events.onFault(`its answer to "${asked.text}" has more than ${LARGEST_ANSWER} bytes`);
      }
      return;
    }
    if (!block) asked.lines.push(line);
    if (refused) asked.refusal ??= line.slice("ERROR:".length).trim();
    asked.begun = false;
    asked.whole += 1;
    if (asked.whole < asked.answers.length) return;
    this.#asked.shift();
    asked.settle(asked.refusal === undefined ? asked.lines : new RefusedCommandError(asked.refusal));
  }
}

/**
 * The capture's line to the enforcer: whose a flow is, and lines of access logs
 * that the capture may not read itself.
 *
 * The enforcer may be stopped, or not there at all: a question then has no answer,
 * and soon. The line is tried again every few seconds.
 */
import type { Socket } from "node:net";
import { connectJsonLines, JsonLines, type Message } from "../json-lines.ts";
import { type UserName, userName } from "../names.ts";

export interface FlowQuestion {
  readonly protocol: "tcp" | "udp";
  /** Addresses as text, without brackets. */
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export interface FlowOwner {
  readonly account: UserName;
  readonly keeper: "ssh" | "xray";
}

type Answer = (owner: FlowOwner | undefined) => void;

const RETRY_MS = 3_000;
/** Questions go in batches, since a new name is not worth a system call of its own. */
const BATCH_MS = 10;
const PATIENCE_MS = 300;
/** Open questions; beyond, there is no answer. */
const MOST_OPEN = 4_000;

export class EnforcerLine implements Disposable {
  readonly #path: string;
  readonly #onLine: (line: string) => void;
  #conversation: JsonLines | undefined;
  #retry: NodeJS.Timeout | undefined;
  #batch: NodeJS.Timeout | undefined;
  #asked: unknown[] = [];
  /** In the order they were asked, so the first is the one that has waited longest. */
  readonly #open = new Map<number, { readonly answer: Answer; readonly since: number }>();
  #nextId = 0;
  #follows = false;
  #ended = false;

  /** @param onLine told of lines of access logs, once `follow()` was called. */
  constructor(path: string, onLine: (line: string) => void) {
    this.#path = path;
    this.#onLine = onLine;
    void this.#connect();
  }

  get connected(): boolean {
    return this.#conversation !== undefined;
  }

  /** Wants the lines of engines' access logs from now on. */
  follow(): void {
    if (this.#follows) return;
    this.#follows = true;
    this.#conversation?.send({ follow: "access" });
  }

  /** Asks whose a flow is. Answers undefined when nobody's, and when nobody answers. */
  ask(flow: FlowQuestion, answer: Answer): void {
    if (!this.#conversation || this.#open.size >= MOST_OPEN) {
      answer(undefined);
      return;
    }
    this.#nextId += 1;
    this.#open.set(this.#nextId, { answer, since: performance.now() });
    const { protocol, source, sourcePort, destination, destinationPort } = flow;
    this.#asked.push([this.#nextId, protocol, source, sourcePort, destination, destinationPort]);
    this.#batch ??= setTimeout(() => this.#send(), BATCH_MS);
  }

  /** Lets go of questions that have waited for too long. */
  expire(): void {
    for (const [id, { answer, since }] of this.#open) {
      if (performance.now() - since < PATIENCE_MS) break;
      this.#open.delete(id);
      answer(undefined);
    }
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#batch);
    this.#conversation?.[Symbol.dispose]();
    this.#giveUp();
  }

  async #connect(): Promise<void> {
    let socket: Socket;
    try {
      socket = await connectJsonLines(this.#path);
    } catch {
      this.#retryLater();
      return;
    }
    if (this.#ended) {
      socket.destroy();
      return;
    }
    this.#conversation = new JsonLines(
      socket,
      (message) => this.#take(message),
      () => {
        this.#conversation = undefined;
        this.#giveUp();
        this.#retryLater();
      },
    );
    if (this.#follows) this.#conversation.send({ follow: "access" });
  }

  #retryLater(): void {
    if (!this.#ended) this.#retry = setTimeout(() => void this.#connect(), RETRY_MS).unref();
  }

  #send(): void {
    this.#batch = undefined;
    this.#conversation?.send({ whose: this.#asked });
    this.#asked = [];
  }

  #take(message: Message): void {
    const { lines, are, error } = message;
    if (Array.isArray(lines)) for (const line of lines) this.#onLine(String(line));
    if (error !== undefined) throw new Error(`The enforcer refused a question: ${JSON.stringify(error)}`);
    if (!Array.isArray(are)) return;
    for (const each of are as [number, string, "ssh" | "xray"][]) {
      const [id, name, keeper] = each;
      const account = userName(name); // first: what it refuses ends the line, which answers all that is open
      const question = this.#open.get(id);
      this.#open.delete(id);
      question?.answer({ account, keeper });
    }
    // Answers come in the order of the questions: whoever was left out is nobody's.
    const { upTo } = message;
    for (const [id, { answer }] of this.#open) {
      if (typeof upTo !== "number" || id > upTo) break;
      this.#open.delete(id);
      answer(undefined);
    }
  }

  #giveUp(): void {
    this.#asked = [];
    for (const { answer } of this.#open.values()) answer(undefined);
    this.#open.clear();
  }
}

/** The capture's socket from the other end. */
import { join } from "node:path";
import type { Settings } from "../config.ts";
import { RefusedRequestError } from "../errors.ts";
import { connectJsonLines, JsonLines, type Message } from "../json-lines.ts";
import type { CaptureStatus, HostRow } from "./capture-desk.ts";
import type { HostLine } from "./host-line.ts";

/** One part of a watch. */
export interface WatchPart {
  /** The whole number of hosts; 0 when all were removed. */
  readonly total: number;
  /** New ones; in the first part those captured last. */
  readonly hosts: readonly HostLine[];
  /** Removed ones. */
  readonly gone: readonly string[];
}

/** In one message, which has a longest: some 150 KB. */
const LINES_AT_ONCE = 500;

/** Where the capture's socket is. Its folder belongs to the capture's user. */
export function captureSocket(settings: Settings): string {
  return join(settings.runtimeDirectory, "capture", "capture.sock");
}

/** Where the web asks the capture, which only answers there what tells something. */
export function captureWebSocket(settings: Settings): string {
  return join(settings.runtimeDirectory, "capture", "web.sock");
}

export class CaptureClient {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws {UnreachableError} when no capture runs, as every method here does. */
  async status(): Promise<CaptureStatus> {
    return (await this.#once({ ask: "status" }))["status"] as CaptureStatus;
  }

  /** @param account whose hosts; undefined for all. */
  async *rows(account: string | undefined): AsyncGenerator<HostRow> {
    for await (const { hosts } of this.#ask({ ask: "list", ...(account === undefined ? {} : { account }) })) {
      yield* (hosts as readonly HostRow[] | undefined) ?? [];
    }
  }

  async add(host: string, service: string, source: string | undefined): Promise<HostLine | undefined> {
    const request = { ask: "add", host, service, ...(source === undefined ? {} : { source }) };
    return ((await this.#once(request))["added"] as HostLine | null) ?? undefined;
  }

  async remove(hosts: readonly string[]): Promise<readonly string[]> {
    return (await this.#once({ ask: "remove", hosts }))["removed"] as readonly string[];
  }

  async clear(): Promise<number> {
    return (await this.#once({ ask: "clear" }))["removed"] as number;
  }

  /** Takes lines of an older list in. @returns how many hosts were new. */
  async takeOver(lines: readonly string[]): Promise<number> {
    let imported = 0;
    for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
      const part = lines.slice(start, start + LINES_AT_ONCE);
      imported += (await this.#once({ ask: "import", lines: part }))["imported"] as number;
    }
    return imported;
  }

  async scan(): Promise<readonly HostLine[]> {
    const lines: HostLine[] = [];
    for await (const { new: part } of this.#ask({ ask: "scan" })) {
      lines.push(...((part as readonly HostLine[] | undefined) ?? []));
    }
    return lines;
  }

  /** Ends when the signal aborts or the capture stops. */
  async *watch(signal: AbortSignal): AsyncGenerator<WatchPart> {
    for await (const { total, latest, new: fresh, gone } of this.#ask({ ask: "watch" }, signal)) {
      yield {
        total: total as number,
        hosts: (latest ?? fresh ?? []) as readonly HostLine[],
        gone: (gone ?? []) as readonly string[],
      };
    }
  }

  async #once(request: Message): Promise<Message> {
    for await (const answer of this.#ask(request)) return answer;
    throw new Error(`The capture at ${this.#path} ended without an answer`);
  }

  async *#ask(request: Message, signal?: AbortSignal): AsyncGenerator<Message> {
    const answers: Message[] = [];
    let closed = false;
    let wake: () => void = () => undefined;
    const changed = () => wake();
    using conversation = new JsonLines(
      await connectJsonLines(this.#path),
      (message) => {
        answers.push(message);
        changed();
      },
      () => {
        closed = true;
        changed();
      },
    );
    const stop = () => conversation[Symbol.dispose]();
    if (signal?.aborted) return;
    signal?.addEventListener("abort", stop, { once: true });
    conversation.send(request);
    try {
      for (;;) {
        for (let answer = answers.shift(); answer; answer = answers.shift()) yield checked(answer);
        if (closed) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}

/** @throws what the capture answered as an error. */
function checked(answer: Message): Message {
  const { error, code } = answer;
  if (error === undefined) return answer;
  const text = typeof error === "string" ? error : JSON.stringify(error);
  throw code === "REFUSED" ? new RefusedRequestError(text) : new Error(text);
}

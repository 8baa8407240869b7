/**
 * The capture's own sockets: what monitors and the command line may ask, and, on
 * one of its own, the web, which may only look: status, list, watch.
 *
 *   { "ask": "status" }                     { "status": CaptureStatus }
 *   { "ask": "list", "account": NAME? }     { "hosts": [HostRow, ...] } as often as it takes, then { "done": true }
 *   { "ask": "watch" }                      { "total": N, "latest": [HostLine, ...] }, then { "total": N, "new": [HostLine, ...] }
 *                                         and, when hosts are removed, { "total": N, "gone": [H, ...] }; all are, where N is 0
 *   { "ask": "add", "host": H, "service": S, "source": A? }      { "added": HostLine | null }
 *   { "ask": "remove", "hosts": [H, ...] }  { "removed": [H, ...] }
 *   { "ask": "clear" }                      { "removed": N }
 *   { "ask": "import", "lines": [LINE, ...] } { "imported": N }, lines of an older hosts.log
 *   { "ask": "scan" }                       { "new": [HostLine, ...] } as often as it takes, then { "done": true }
 *
 * The protocol's types are here too, which makes the file a long one.
 * One question a conversation. A wrong one is answered by { "error": TEXT, "code": WORD }.
 */
import type { Socket } from "node:net";
import { codeOf, RefusedRequestError, reasonOf } from "../errors.ts";
import { JsonLines, type Message } from "../json-lines.ts";
import { serveLocalSocket } from "../local-socket.ts";
import type { HostLine } from "./host-line.ts";
import type { Refusals } from "./host-list.ts";
import type { FlowCounts } from "./packets/flow-table.ts";

/** A host with what is known beside its line. */
export interface HostRow extends HostLine {
  /** Unix time in milliseconds; 0 where it is not known. */
  readonly lastSeenMs: number;
  readonly count: number;
  readonly services: readonly string[];
  /** Perhaps only the outer name of an encrypted ClientHello. */
  readonly ech: boolean;
}

export interface TapStatus {
  /** "packets on any", or a log's path. */
  readonly name: string;
  /** Why nothing comes from it at the moment; "" while it works. */
  readonly trouble: string;
  /** Packets or lines taken. */
  readonly taken: number;
  /** Packets that the kernel dropped because nobody took them in time. */
  readonly dropped: number;
}

export interface CaptureStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly hosts: number;
  /** Hosts that are not in the file yet. */
  readonly waiting: number;
  /** Why the file does not take them; "" while it does. */
  readonly saveTrouble: string;
  readonly taps: readonly TapStatus[];
  readonly flows: FlowCounts;
  readonly refusals: Refusals;
  readonly enforcer: boolean;
  readonly direction: string;
  readonly perAccount: boolean;
  /** This host's own domain and address; "" where they are not known. */
  readonly domain: string;
  readonly address: string;
}

/** What the capture can do for whoever asks. */
export interface CaptureWork {
  status(): CaptureStatus;
  /** Hosts in the list. */
  total(): number;
  rows(): Iterable<HostRow>;
  /** @throws {RefusedRequestError} when accounts' hosts are not kept. */
  rowsOf(account: string): Iterable<HostRow>;
  latest(count: number): readonly HostLine[];
  /** @returns undefined when it is in the list already. @throws {RefusedRequestError} for a host or a service that may not stand there. */
  add(host: string, service: string, source: string | undefined): HostLine | undefined;
  remove(hosts: readonly string[]): readonly string[];
  clear(): number;
  /** Takes lines of an older list in, with their own times. @returns how many hosts were new. */
  takeOver(lines: readonly string[]): number;
  /** Reads the logs' ends once more. */
  scan(): Promise<readonly HostLine[]>;
}

/** In one message, which has a longest: some 100 KB. */
const ROWS_AT_ONCE = 500;
/** A watcher's first screen. */
const LATEST = 100;
/** New hosts go to watchers in batches: a flood must not be a message each. */
const BATCH_MS = 20;

/** What only tells something. */
const LOOKS: ReadonlySet<unknown> = new Set(["status", "list", "watch"]);

export interface CaptureDeskOptions {
  readonly path: string;
  /** The web's; undefined where it has none. */
  readonly web:
    | {
        readonly path: string;
        /** Whether who is at the other end may look. */
        readonly mayLook: (socket: Socket) => boolean;
      }
    | undefined;
}

export class CaptureDesk implements AsyncDisposable {
  readonly #work: CaptureWork;
  readonly #options: CaptureDeskOptions;
  readonly #watchers = new Set<JsonLines>();
  #new: HostLine[] = [];
  #batch: NodeJS.Timeout | undefined;
  readonly #servers = new AsyncDisposableStack();

  constructor(work: CaptureWork, options: CaptureDeskOptions) {
    this.#work = work;
    this.#options = options;
  }

  /** @throws {Error} when another capture listens there. */
  async start(): Promise<void> {
    const { path, web } = this.#options;
    this.#servers.use(
      await serveLocalSocket({ path, mode: 0o660, onConnection: (socket) => this.#converse(socket) }),
    );
    if (!web) return;
    const { mayLook } = web;
    this.#servers.use(
      await serveLocalSocket({
        path: web.path,
        // The capture may not give a socket to the web's group: who is there is asked instead.
        mode: 0o666,
        onConnection: (socket) => {
          if (!mayLook(socket)) throw new Error("somebody else than the web");
          return this.#converse(socket, LOOKS);
        },
      }),
    );
  }

  /** Tells watchers of a new host. */
  push(line: HostLine): void {
    if (this.#watchers.size === 0) return;
    this.#new.push(line);
    this.#batch ??= setTimeout(() => this.#tellNew(), BATCH_MS);
  }

  #tellNew(): void {
    clearTimeout(this.#batch);
    this.#batch = undefined;
    for (const part of inParts(this.#new.splice(0))) this.#tell({ new: part });
  }

  #remove(hosts: readonly string[]): readonly string[] {
    this.#tellNew(); // before they are told to be gone
    const removed = this.#work.remove(hosts);
    for (const gone of inParts(removed)) this.#tell({ gone });
    return removed;
  }

  #clear(): number {
    this.#tellNew();
    const removed = this.#work.clear();
    this.#tell({ gone: [] });
    return removed;
  }

  #tell(news: { readonly new: readonly HostLine[] } | { readonly gone: readonly string[] }): void {
    const total = this.#work.total();
    for (const watcher of this.#watchers) watcher.send({ total, ...news });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#batch);
    await this.#servers.disposeAsync();
  }

  /** @param may what may be asked; everything if left out. */
  #converse(socket: Socket, may?: ReadonlySet<unknown>): JsonLines {
    const conversation = new JsonLines(
      socket,
      (message) => {
        if (may && !may.has(message["ask"])) throw notHere(message);
        this.#answer(message, conversation);
      },
      () => this.#watchers.delete(conversation),
    );
    return conversation;
  }

  #answer(message: Message, conversation: JsonLines): void {
    const work = this.#work;
    const reply = (answer: Message) => {
      conversation.send(answer);
      conversation.end();
    };
    const refuse = (error: unknown) => reply({ error: reasonOf(error), code: codeOf(error) });
    switch (message["ask"]) {
      case "status":
        return reply({ status: work.status() });
      case "list": {
        const account = message["account"];
        const rows = account === undefined ? work.rows() : work.rowsOf(textIn(message, "account"));
        sendRows(rows, conversation).catch(refuse);
        return;
      }
      case "watch":
        conversation.send({ total: work.total(), latest: work.latest(LATEST) });
        this.#watchers.add(conversation);
        return;
      case "add": {
        const source = message["source"] === undefined ? undefined : textIn(message, "source");
        return reply({
          added: work.add(textIn(message, "host"), textIn(message, "service"), source) ?? null,
        });
      }
      case "remove":
        return reply({ removed: this.#remove(textsIn(message, "hosts")) });
      case "clear":
        return reply({ removed: this.#clear() });
      case "import":
        return reply({ imported: work.takeOver(textsIn(message, "lines")) });
      case "scan":
        work.scan().then((lines) => {
          for (const part of inParts(lines)) conversation.send({ new: part });
          reply({ done: true });
        }, refuse);
        return;
      default:
        throw new RefusedRequestError(
          `Cannot do what is asked: expected "ask" to be status, list, watch, add, remove, clear, import or scan, got ${JSON.stringify(message["ask"])}`,
        );
    }
  }
}

function notHere({ ask }: Message): RefusedRequestError {
  return new RefusedRequestError(
    `Cannot do what is asked: expected "ask" to be ${[...LOOKS].join(", ")} on this socket, got ${String(JSON.stringify(ask)).slice(0, 80)}`,
  );
}

/** As fast as the other side takes them. */
async function sendRows(rows: Iterable<HostRow>, conversation: JsonLines): Promise<void> {
  let batch: HostRow[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < ROWS_AT_ONCE) continue;
    conversation.send({ hosts: batch });
    batch = [];
    await conversation.drained();
  }
  conversation.send({ hosts: batch });
  conversation.send({ done: true });
  conversation.end();
}

function* inParts<Part>(whole: readonly Part[]): Generator<readonly Part[]> {
  for (let start = 0; start < whole.length; start += ROWS_AT_ONCE) {
    yield whole.slice(start, start + ROWS_AT_ONCE);
  }
}

function textIn(message: Message, key: string): string {
  const value = message[key];
  if (typeof value === "string") return value;
  throw new RefusedRequestError(
    `Cannot do what is asked: expected "${key}" to be a text, got ${typeof value}`,
  );
}

function textsIn(message: Message, key: string): string[] {
  const value = message[key];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw new RefusedRequestError(`Cannot do what is asked: expected "${key}" to be a list of texts`);
}

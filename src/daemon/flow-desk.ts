/**
 * What the host capture may ask of the enforcer, and nothing else: whose a flow
 * is, and the lines of engines' access logs, which often only root may read.
 *
 *   capture   { "whose": [[id, "tcp" | "udp", source, port, destination, port], ...] }   { "follow": "access" }
 *   enforcer  { "are": [[id, account, "ssh" | "xray"], ...], "upTo": id }               { "lines": [line, ...] }
 *
 * Ids rise. A flow that nobody is known to own is left out of the answer, which is whole up to the id it names.
 */
import type { Socket } from "node:net";
import { isIP } from "node:net";
import { captureUser } from "../capture-user.ts";
import { JsonLines, type Message } from "../json-lines.ts";
import type { FlowProtocol } from "../kernel/conntrack-messages.ts";
import { peerCredentials } from "../kernel/peer-credentials.ts";
import type { Endpoint } from "../kernel/sockets.ts";
import { serveLocalSocket } from "../local-socket.ts";
import type { FlowOwner } from "./flow-owners.ts";

export interface FlowDeskOptions {
  readonly path: string;
  readonly ownerOf: (transport: FlowProtocol, source: Endpoint, target: Endpoint) => FlowOwner | undefined;
}

/** Lines are handed on in batches. */
const BATCH_MS = 50;
/** Lines that wait for the next batch; a burst beyond is a hint less. */
const MOST_LINES = 20_000;
/** No line of a client's is as long. */
const LONGEST_LINE = 4_096;
/** A message is one that the other side takes, even if JSON needs six characters for each of theirs. */
const LINES_AT_ONCE = 40;
const MOST_QUESTIONS = 10_000;

export class FlowDesk implements AsyncDisposable {
  readonly #options: FlowDeskOptions;
  readonly #followers = new Set<JsonLines>();
  #lines: string[] = [];
  #batch: NodeJS.Timeout | undefined;
  #server: AsyncDisposable | undefined;

  constructor(options: FlowDeskOptions) {
    this.#options = options;
  }

  /** @throws the system's error when the socket cannot be made. */
  async start(): Promise<void> {
    const capture = captureUser();
    this.#server = await serveLocalSocket({
      path: this.#options.path,
      mode: 0o660,
      group: capture?.gid,
      onConnection: (socket) => {
        const { uid } = peerCredentials(socket);
        if (![0, process.getuid?.(), capture?.uid].includes(uid)) throw new Error(`uid ${uid} may not ask`);
        return this.#converse(socket);
      },
    });
  }

  /** Hands a line of an access log on to whoever follows. */
  push(line: string): void {
    if (this.#followers.size === 0 || this.#lines.length >= MOST_LINES || line.length > LONGEST_LINE) return;
    this.#lines.push(line);
    this.#batch ??= setTimeout(() => {
      this.#batch = undefined;
      const lines = this.#lines.splice(0);
      for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
        const part = lines.slice(start, start + LINES_AT_ONCE);
        for (const follower of this.#followers) follower.send({ lines: part });
      }
    }, BATCH_MS).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#batch);
    await this.#server?.[Symbol.asyncDispose]();
  }

  #converse(socket: Socket): JsonLines {
    const conversation = new JsonLines(
      socket,
      (message) => {
        if (message["follow"] === "access") this.#followers.add(conversation);
        else conversation.send(this.#answers(questionsIn(message)));
      },
      () => this.#followers.delete(conversation),
    );
    return conversation;
  }

  #answers(questions: readonly Question[]): Message {
    return { are: questions.flatMap((question) => this.#answer(question)), upTo: questions.at(-1)?.id ?? 0 };
  }

  #answer({ id, transport, source, target }: Question): [number, string, "ssh" | "xray"][] {
    const owner = this.#options.ownerOf(transport, source, target);
    return owner ? [[id, owner.account, owner.service]] : [];
  }
}

interface Question {
  readonly id: number;
  readonly transport: FlowProtocol;
  readonly source: Endpoint;
  readonly target: Endpoint;
}

/** @throws {TypeError} for a message that is none of ours. */
function questionsIn(message: Message): Question[] {
  const asked = message["whose"];
  if (!Array.isArray(asked) || asked.length > MOST_QUESTIONS) {
    throw new TypeError(`expected {"follow": "access"} or {"whose": [...]} of at most ${MOST_QUESTIONS}`);
  }
  return asked.map((each: unknown) => {
    const [id, transport, source, sourcePort, target, targetPort] = Array.isArray(each) ? each : [];
    if (!isWhole(id) || (transport !== "tcp" && transport !== "udp")) throw notAFlow(each);
    if (!isEndpoint(source, sourcePort) || !isEndpoint(target, targetPort)) throw notAFlow(each);
    return {
      id,
      transport,
      source: { address: source as string, port: sourcePort as number },
      target: { address: target as string, port: targetPort as number },
    };
  });
}

function notAFlow(got: unknown): TypeError {
  return new TypeError(
    `expected [id, "tcp" or "udp", address, port, address, port], got ${JSON.stringify(got).slice(0, 200)}`,
  );
}

function isEndpoint(address: unknown, port: unknown): boolean {
  return typeof address === "string" && isIP(address) !== 0 && isWhole(port) && port <= 65_535;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

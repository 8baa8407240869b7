/**
 * A conversation in lines of JSON over a Unix socket: the capture's, with monitors
 * and the command line, and the enforcer's with the capture.
 *
 * Light where gRPC is not: the capture holds a hundred thousand hosts in less
 * memory than a gRPC server starts with. And `socat` speaks it.
 */
import { createConnection, type Socket } from "node:net";
import { codeOf, reasonOf, UnreachableError } from "./errors.ts";

/** One message, as the other side sent it: of any shape. */
export type Message = Readonly<Record<string, unknown>>;

/** The longest line taken. */
const LONGEST = 1 << 20;
/** What may wait for a reader who does not read; then he is let go. */
const MOST_WAITING = 16 << 20;

/** One end of a conversation. */
export class JsonLines implements Disposable {
  readonly #socket: Socket;
  #half = "";
  /** Once it is ended here, what the other side still sends is not for us. */
  #ended = false;

  /**
   * @param onMessage told of each message in its turn. What it throws is answered as `{ "error": text }` and ends the conversation.
   * @param onClose told once, when nothing more comes: with why, unless either side just ended it.
   */
  constructor(socket: Socket, onMessage: (message: Message) => void, onClose: (why?: string) => void) {
    this.#socket = socket;
    let trouble: string | undefined;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      try {
        this.#take(text, onMessage);
      } catch (error) {
        this.send({ error: reasonOf(error), code: codeOf(error) });
        this.end();
      }
    });
    socket.on("error", (error) => {
      trouble = reasonOf(error);
    });
    socket.on("close", () => onClose(trouble));
  }

  /** Sends a message, or lets go of a reader who does not keep up. */
  send(message: Message): void {
    if (!this.#socket.writable) return;
    this.#socket.write(`${JSON.stringify(message)}\n`);
    if (this.#socket.writableLength > MOST_WAITING) this.#socket.destroy();
  }

  /** Resolves when the other side has taken what was sent, or is gone. */
  async drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("drain", resolve).once("close", resolve);
    await promise;
    socket.off("drain", resolve).off("close", resolve);
  }

  /** Ends the conversation when everything is sent; no message is taken any more. */
  end(): void {
    this.#ended = true;
    this.#socket.end();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(text: string, onMessage: (message: Message) => void): void {
    if (this.#ended) return;
    const lines = (this.#half + text).split("\n");
    this.#half = lines.pop() ?? "";
    if (this.#half.length > LONGEST) throw new RangeError(`expected lines of at most ${LONGEST} characters`);
    for (const line of lines) {
      if (this.#ended) return;
      if (line.trim() === "") continue;
      onMessage(messageOf(line));
    }
  }
}

/** @throws {UnreachableError} when nobody answers at `path`. */
export function connectJsonLines(path: string): Promise<Socket> {
  const socket = createConnection(path);
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) =>
      reject(new UnreachableError(`Cannot connect to ${path}: ${reasonOf(cause)}`, { cause })),
    );
  });
}

/** @throws {SyntaxError} unless the line is an object in JSON. */
function messageOf(line: string): Message {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    message = undefined;
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw new SyntaxError(
      `expected an object in JSON on each line, got ${JSON.stringify(line.slice(0, 80))}`,
    );
  }
  return message as Message;
}

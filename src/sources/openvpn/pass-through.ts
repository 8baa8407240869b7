/**
 * A socket that looks like the management interface of a server, for any number
 * of programs: the real one serves a single client, which is Sluice.
 *
 * Each client's commands are answered in their order, and one command of all
 * clients is on its way at a time: what Sluice asks itself never waits behind
 * more than one. Bytes are told from Sluice's own looks.
 */
import type { Socket } from "node:net";
import { reasonOf, UnreachableError } from "../../errors.ts";
import { serveLocalSocket } from "../../local-socket.ts";
import { printable } from "../../log.ts";
import type { VpnLogin } from "./login.ts";
import { type Management, RefusedCommandError } from "./management.ts";
import {
  type Ask,
  type Channel,
  mayHear,
  type Order,
  orderIn,
  type PassThroughRules,
} from "./pass-through-commands.ts";

export interface PassThroughOptions extends PassThroughRules {
  readonly path: string;
  /** Who may use it beside its maker: a group's number. */
  readonly group?: number | undefined;
  readonly link: Management;
}

export interface PassThrough extends AsyncDisposable {
  /** Told of every line that the server says unasked, with its ">" and without its end. */
  hear(line: string): void;
  /** Told of what a look found. @param now milliseconds of any clock that goes forward. */
  looked(logins: readonly Pick<VpnLogin, "clientId" | "traffic">[], now: number): void;
}

const MODE = 0o660;
const MOST_CLIENTS = 8;
/** The server's own line buffer. */
const LONGEST_LINE = 1024;
/** What may wait for a client who does not read: more than the largest status. */
const MOST_WAITING = 16 << 20;
/** How long he may take to read on. */
const LONGEST_STALL_MS = 10_000;
const TOO_LONG = `ERROR: expected a line of at most ${LONGEST_LINE} characters`;
const GREETING = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info";

/**
 * Listens until it is disposed of.
 *
 * @throws {Error} when the socket cannot be made, or another process listens there.
 */
export async function servePassThrough(options: PassThroughOptions): Promise<PassThrough> {
  const { path, group } = options;
  const clients = new Set<Client>();
  const shared = { ...options, greeting: GREETING, turn: Promise.resolve() };
  const server = await serveLocalSocket({
    ...{ path, group, mode: MODE, halfOpen: true },
    onConnection: (socket) => {
      const client = new Client(socket, shared);
      if (clients.size >= MOST_CLIENTS) client.refuse(`${MOST_CLIENTS} programs are connected already`);
      else {
        clients.add(client);
        void client.converse().finally(() => clients.delete(client));
      }
      return client;
    },
  });
  return {
    hear: (line) => {
      if (line.startsWith(">INFO:OpenVPN Management Interface")) shared.greeting = line;
      else for (const client of clients) client.hear(line);
    },
    looked: (logins, now) => {
      for (const client of clients) client.looked(logins, now);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

interface Shared extends PassThroughOptions {
  /** The server's own, once it was heard. */
  greeting: string;
  /** Ends when the last command that was passed on is answered. */
  turn: Promise<unknown>;
}

class Client implements Disposable {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #channels = new Set<Channel>();
  /** Seconds between two tellings of bytes; 0 tells none. */
  #every = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** What was told last, by client. */
  #told = new Map<number, string>();

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    socket.on("error", () => undefined); // "close" follows, and ends the conversation
  }

  refuse(why: string): void {
    this.#leave(`ERROR: ${why}`);
  }

  /** Until he leaves, or sends what cannot be a command. */
  async converse(): Promise<void> {
    const socket = this.#socket;
    this.#say([this.#shared.greeting]);
    let half = "";
    try {
      // Left as it is when the reading ends: answers are still on their way then.
      for await (const chunk of socket.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
        const lines = (half + String(chunk)).split("\n");
        half = lines.pop() ?? "";
        for (const line of lines) {
          if (line.length > LONGEST_LINE) return this.#leave(TOO_LONG);
          if (!(await this.#obey(line.replace(/\r$/, "")))) return this.#leave();
        }
        if (half.length > LONGEST_LINE) return this.#leave(TOO_LONG);
      }
    } catch {
      // he is gone; nobody is there to be told
    }
    this.#leave();
  }

  #leave(word?: string): void {
    const socket = this.#socket;
    if (word !== undefined) this.#say([word]);
    socket.end().resume();
    const late = setTimeout(() => socket.destroy(), LONGEST_STALL_MS).unref();
    socket.once("close", () => clearTimeout(late));
  }

  hear(line: string): void {
    if (mayHear(line, this.#channels, this.#shared.mode)) this.#tell([line]);
  }

  looked(logins: readonly Pick<VpnLogin, "clientId" | "traffic">[], now: number): void {
    if (this.#every === 0 || now - this.#toldAt < this.#every * 1000) return;
    const figures = new Map(
      logins.flatMap(({ clientId, traffic: { uplink, downlink } }) =>
        clientId === undefined ? [] : [[clientId, `${uplink},${downlink}`] as const],
      ),
    );
    const news = [...figures].filter(([clientId, bytes]) => this.#told.get(clientId) !== bytes);
    this.#toldAt = now;
    this.#told = figures;
    this.#tell(news.map(([clientId, bytes]) => `>BYTECOUNT_CLI:${clientId},${bytes}`));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** @returns whether the conversation goes on. */
  async #obey(line: string): Promise<boolean> {
    const order = orderIn(line, this.#shared);
    if (order.kind === "leave") return false;
    this.#say(await this.#answer(order));
    return this.#drained();
  }

  async #answer(order: Exclude<Order, { kind: "leave" }>): Promise<readonly string[]> {
    switch (order.kind) {
      case "nothing":
        return [];
      case "say":
        return [order.line];
      case "bytecount":
        this.#every = order.seconds;
        this.#told = new Map();
        return ["SUCCESS: bytecount interval changed"];
      case "switch": {
        const { channel, on, then } = order;
        if (on) this.#channels.add(channel);
        else this.#channels.delete(channel);
        const done = `SUCCESS: real-time ${channel} notification set to ${on ? "ON" : "OFF"}`;
        return [done, ...(then ? await this.#answer(then) : [])];
      }
      case "ask":
        return this.#ask(order);
      default:
        return order satisfies never;
    }
  }

  async #ask({ text, block }: Ask): Promise<readonly string[]> {
    const { link } = this.#shared;
    const asked = this.#shared.turn.then(() => link.command(text));
    this.#shared.turn = asked.catch(() => undefined);
    try {
      const lines = await asked;
      return block ? [...lines, "END"] : lines;
    } catch (error) {
      if (error instanceof RefusedCommandError) return [`ERROR: ${error.message}`];
      const why =
        error instanceof UnreachableError
          ? `the server does not answer: ${reasonOf(error)}`
          : reasonOf(error);
      return [`ERROR: ${printable(why)}`];
    }
  }

  #say(lines: readonly string[]): void {
    if (lines.length > 0 && this.#socket.writable)
      this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  /** Something he did not ask for this moment. */
  #tell(lines: readonly string[]): void {
    this.#say(lines);
    if (this.#socket.writableLength > MOST_WAITING) this.#socket.destroy();
  }

  /** Waits until he has read his answer: no command of his is taken before. @returns false for one who is gone, or does not read. */
  async #drained(): Promise<boolean> {
    const socket = this.#socket;
    if (!socket.writableNeedDrain) return socket.writable;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stalled = setTimeout(() => socket.destroy(), LONGEST_STALL_MS).unref();
    socket.once("drain", resolve).once("close", resolve);
    await promise;
    clearTimeout(stalled);
    socket.off("drain", resolve).off("close", resolve);
    return socket.writable;
  }
}

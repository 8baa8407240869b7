/**
 * The line to one server's management interface, kept up: connects, greets,
 * comes back by itself.
 *
 * A server serves one program at a time and lets a second one connect and wait
 * in silence (facts: openvpn, 4). So a line without a greeting is said to be
 * another's, and waits on: its turn comes when the other leaves. There are never
 * two sockets at once, and every trouble is one sentence.
 */
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import type { Clock } from "../../clock.ts";
import { reasonOf, UnreachableError } from "../../errors.ts";
import { milliseconds } from "../../units.ts";
import type { Management } from "./management.ts";
import { answersTo } from "./management-commands.ts";
import { ClientBlocks, type ClientEvent, realTimeLine } from "./management-lines.ts";
import { ManagementSession } from "./management-session.ts";
import { HELD, reasonForClose, reasonForError } from "./management-troubles.ts";

/** A server greets at once, unless it serves another program. */
const LONGEST_SILENCE = milliseconds(5_000);
const LONGEST_ANSWER = milliseconds(10_000);
/** How often silence is looked for. */
const WATCH_EVERY = milliseconds(1_000);
/** Between two attempts, doubled after each one in vain. */
const FIRST_PAUSE = milliseconds(100);
const LONGEST_PAUSE = milliseconds(5_000);

/** Told in the middle of reading: must not throw, and may ask at once. */
export interface ManagementListener {
  /** The server takes commands. */
  onConnected?(server: { readonly pid: number; readonly version: string }): void;
  /** The line is down, and was up before; not when Sluice itself leaves. */
  onLost?(reason: string): void;
  /** What stands behind ">STATE:". */
  onState?(text: string): void;
  onClient?(event: ClientEvent): void;
  /** Every line that comes unasked, as it is: CLIENT's may hold passwords. */
  onLine?(line: string): void;
}

export interface ManagementLinkOptions {
  /** A Unix socket's path, or "host:port". */
  readonly address: string;
  /** Read anew for each connection; null where there is none. */
  readonly passwordFile: string | null;
  /** Whether Sluice is the one to start a server that waits in hold. */
  readonly releaseHold: boolean;
  readonly clock: Clock;
  readonly listener?: ManagementListener;
}

export class ManagementLink implements Management, AsyncDisposable {
  readonly #options: ManagementLinkOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: ManagementSession | undefined;
  readonly #clients = new ClientBlocks();
  #held = false;
  #trouble: string | undefined;

  /** Connects at once, and goes on trying until it is disposed of. */
  constructor(options: ManagementLinkOptions) {
    this.#options = options;
    this.#trouble = `Sluice has not reached the management interface at ${options.address} yet`;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  get trouble(): string | undefined {
    return this.#held ? HELD : this.#trouble;
  }

  async command(text: string, signal?: AbortSignal): Promise<readonly string[]> {
    const answers = answersTo(text);
    signal?.throwIfAborted();
    if (!this.#session) throw new UnreachableError(this.#trouble);
    return this.#session.ask(text, answers, this.#options.clock.monotonic(), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, listener } = this.#options;
    const { signal } = this.#stop;
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      const wasUp = await this.#attempt(signal);
      if (wasUp) {
        pause = FIRST_PAUSE;
        if (!signal.aborted) listener?.onLost?.(this.#trouble ?? "");
      }
      await clock.sleep(pause, signal).catch(() => undefined);
      pause = milliseconds(Math.min(2 * pause, LONGEST_PAUSE));
    }
  }

  /** One connection, from its beginning to its end. @returns whether the server took commands. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const socket = opened(this.#options.address);
    const ended = new AbortController();
    let why: string | undefined;
    let up = false;
    let answeredPrompt = false;
    const fail = (reason: string) => {
      why ??= reason;
      socket.destroy();
    };
    const session = new ManagementSession(socket, {
      onPrompt: () => {
        const { passwordFile } = this.#options;
        if (passwordFile === null) return fail(this.#about('it asks for a password: set "password_file"'));
        if (answeredPrompt) return fail(this.#about(`it refuses the password in ${passwordFile}`));
        answeredPrompt = true;
        void this.#password(passwordFile).then(
          (password) => socket.write(`${password}\n`),
          (error: unknown) =>
            fail(`Cannot use the password for the management interface: ${reasonOf(error)}`),
        );
      },
      onGreeting: () => {
        void this.#welcome(session, () => (up = true)).catch((error: unknown) => fail(reasonOf(error)));
      },
      onRealTime: (line) => this.#hear(line),
      onFault: (reason) => fail(this.#about(reason)),
    });
    socket.on("data", (chunk: Buffer) => session.feed(chunk));
    socket.on("error", (error) => fail(this.#about(reasonForError(error))));
    const stop = () => fail("Sluice has left the management interface");
    signal.addEventListener("abort", stop, { once: true });
    const beganAt = clock.monotonic();
    const watch = this.#watch(ended.signal, () => {
      const now = clock.monotonic();
      if (!session.greeted && !socket.connecting && now - beganAt >= LONGEST_SILENCE) {
        this.#trouble = this.#about(
          `no greeting came within ${LONGEST_SILENCE / 1000} s: another program holds the management socket`,
        );
      }
      if (socket.connecting && now - beganAt > LONGEST_ANSWER) {
        fail(this.#about(`nobody answered there within ${LONGEST_ANSWER / 1000} s`));
      }
      const late = session.overdue(now, LONGEST_ANSWER);
      if (!late) return;
      const what = late.begun ? "did not end its answer" : "did not answer";
      fail(this.#about(`it ${what} to "${late.text}" within ${LONGEST_ANSWER / 1000} s`));
    });
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    ended.abort();
    await watch;
    signal.removeEventListener("abort", stop);
    this.#session = undefined;
    this.#held = false;
    this.#trouble = why ?? this.#about(reasonForClose(session.greeted, answeredPrompt));
    session.end(this.#trouble);
    return up;
  }

  /** Has states told, and asks who is there: only then it is said to be connected. */
  async #welcome(session: ManagementSession, onUp: () => void): Promise<void> {
    const ask = (text: string) => session.ask(text, answersTo(text), this.#options.clock.monotonic());
    const [, [process = ""], version] = await Promise.all([ask("state on"), ask("pid"), ask("version")]);
    onUp();
    this.#session = session;
    this.#trouble = undefined;
    this.#options.listener?.onConnected?.({
      pid: Number(/pid=(\d+)/.exec(process)?.[1] ?? 0),
      version: /OpenVPN (\d[\w.-]*)/.exec(version.join(" "))?.[1] ?? "unknown",
    });
    if (this.#held) this.#release();
  }

  #hear(line: string): void {
    const { listener } = this.#options;
    const { kind, text } = realTimeLine(line) ?? { kind: "", text: "" };
    if (kind === "HOLD") {
      this.#held = true;
      this.#release();
    } else if (kind === "STATE") {
      this.#held = false;
      listener?.onState?.(text);
    } else if (kind === "CLIENT") {
      const event = this.#clients.feed(text);
      if (event) listener?.onClient?.(event);
    }
    listener?.onLine?.(line);
  }

  #release(): void {
    if (!this.#options.releaseHold || !this.#session) return;
    // A refusal or an outage leaves it held, and that is said already.
    void this.command("hold release").catch(() => undefined);
  }

  async #password(path: string): Promise<string> {
    const [line = ""] = (await readFile(path, "utf8")).split(/\r?\n/, 1);
    if (line === "" || line.includes("\0"))
      throw new Error(`expected it on the first line of ${path}, got nothing`);
    return line;
  }

  async #watch(signal: AbortSignal, look: () => void): Promise<void> {
    while (!signal.aborted) {
      look();
      await this.#options.clock.sleep(WATCH_EVERY, signal).catch(() => undefined);
    }
  }

  #about(reason: string): string {
    return `Cannot use the management interface at ${this.#options.address}: ${reason}`;
  }
}

function opened(address: string): Socket {
  if (address.startsWith("/")) return connect({ path: address });
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return connect({ host, port: Number(address.slice(colon + 1)), keepAlive: true, noDelay: true });
}

/** One page that is told what it looks at, over its WebSocket. */
import type { WebSocket } from "ws";
import type { Viewer } from "../viewer.ts";
import type { LiveView } from "../wire.ts";

/** What may wait for a client who reads slowly, in bytes: beyond it he misses what comes, and gets all once he has caught up. */
const MOST_WAITING = 1 << 20;
/** WebSocket close codes, RFC 6455 section 7.4.1 and the registry of IANA. */
export const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;
export const TRY_AGAIN_LATER = 1013;

export class LiveClient {
  readonly viewer: Viewer;
  readonly #socket: WebSocket;
  view: LiveView = { view: "none" };
  /** He is told all next, not what changed. */
  fresh = true;
  /** Views he asked for since the last beat. */
  asked = 0;
  #answered = true;

  constructor(socket: WebSocket, viewer: Viewer) {
    this.#socket = socket;
    this.viewer = viewer;
    socket.on("pong", () => {
      this.#answered = true;
    });
  }

  /** @param text JSON, shared with others. */
  tell(text: Buffer): void {
    const slow = this.#socket.bufferedAmount > MOST_WAITING;
    if (!slow) this.#socket.send(text, { binary: false });
    this.fresh = slow;
  }

  /** What he is told though it is no part of what he looks at. */
  warn(text: Buffer): void {
    this.tell(text);
    this.fresh = true;
  }

  /** Ends him if he did not answer the last time. */
  ping(): void {
    if (!this.#answered) return this.#socket.terminate();
    this.#answered = false;
    this.#socket.ping();
  }

  /** @param why of at most 123 bytes. */
  close(code: number, why: string): void {
    this.#socket.close(code, why);
  }
}

/** One page that is told what it looks at, over its WebSocket. */
import type { RawData, WebSocket } from "ws";
import type { Viewer } from "../viewer.ts";
import type { LiveView } from "../wire.ts";
import { LONGEST_MESSAGE, parseLiveView } from "./live-view.ts";

/** What may wait for a client who reads slowly, in bytes, beside what he was told at first: beyond it he misses what comes. */
const MOST_WAITING = 1 << 20;
/** He has caught up, and may be told all. */
const FEW_WAITING = 1 << 16;
/** Views he may ask for within a second. */
const MOST_ASKED = 30;
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
  #asked = 0;
  /** Bytes he was told when he was told all: a long list alone may pass what may wait. */
  #whole = 0;
  #answered = true;

  constructor(socket: WebSocket, viewer: Viewer) {
    this.#socket = socket;
    this.viewer = viewer;
    socket.on("pong", () => {
      this.#answered = true;
    });
  }

  /** @returns undefined for what is no view, or comes too often. */
  viewIn(data: RawData, binary: boolean): LiveView | undefined {
    this.#asked += 1;
    // A socket of ours gives one Buffer for each message.
    const text = data as Buffer;
    if (binary || text.length > LONGEST_MESSAGE || this.#asked > MOST_ASKED) return undefined;
    return parseLiveView(text.toString("utf8"));
  }

  /** Once a second. */
  beat(): void {
    this.#asked = 0;
  }

  /** @param text JSON, shared with others. */
  tell(text: Buffer): void {
    const most = this.fresh ? FEW_WAITING : MOST_WAITING + this.#whole;
    const slow = this.#socket.bufferedAmount > most;
    if (!slow) this.#socket.send(text, { binary: false });
    if (this.fresh && !slow) this.#whole = text.length;
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

/** The keyboard, key by key: raw mode while it is listened to, as before afterwards. */
import { type Key, KeyDecoder } from "./key-decoder.ts";

/** A terminal's input; `process.stdin`. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  setEncoding(encoding: "utf8"): unknown;
  on(event: "data", listener: (text: string) => void): unknown;
  on(event: "end" | "error", listener: () => void): unknown;
  off(event: "data", listener: (text: string) => void): unknown;
  off(event: "end" | "error", listener: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** The rest of a sequence follows at once, even over a slow line. */
const SEQUENCE_MS = 50;

export class Keys implements Disposable {
  readonly #keyboard: Keyboard;
  readonly #decoder = new KeyDecoder();
  readonly #onKey: (key: Key) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onKey hears "ctrl-d" as well when the input has ended. */
  constructor(keyboard: Keyboard, onKey: (key: Key) => void) {
    this.#keyboard = keyboard;
    this.#onKey = onKey;
    keyboard.setEncoding("utf8");
    keyboard.on("data", this.#take);
    keyboard.on("end", this.#end);
    keyboard.on("error", this.#end); // the terminal is gone
    this.listen();
  }

  /** Takes the keyboard, also after another program had it. */
  listen(): void {
    this.#keyboard.setRawMode?.(true);
    this.#keyboard.resume();
  }

  /** Gives the keyboard back for a while. */
  release(): void {
    this.#keyboard.setRawMode?.(false);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#keyboard.off("data", this.#take);
    this.release();
    this.#keyboard.pause();
    this.#keyboard.off("end", this.#end);
    this.#keyboard.off("error", this.#end);
  }

  readonly #take = (text: string): void => {
    clearTimeout(this.#timer);
    for (const key of this.#decoder.push(text)) this.#onKey(key);
    if (!this.#decoder.waits) return;
    this.#timer = setTimeout(() => {
      for (const key of this.#decoder.giveUp()) this.#onKey(key);
    }, SEQUENCE_MS);
  };

  readonly #end = (): void => this.#onKey("ctrl-d");
}

/**
 * A screen and a keyboard together: Ctrl-Z gives both back and `fg` takes them
 * again, and a terminal that is gone ends it.
 */
import type { Palette } from "../terminal/palette.ts";
import type { Line } from "./frame.ts";
import type { Key } from "./key-decoder.ts";
import { type Keyboard, Keys } from "./keys.ts";
import { Screen, type Size, type Terminal } from "./screen.ts";

export interface ConsoleOptions {
  readonly terminal: Terminal;
  readonly keyboard: Keyboard;
  readonly palette: Palette;
  readonly paint: (size: Size) => readonly Line[];
  readonly onKey: (key: Key) => void;
  /** The terminal takes nothing any more. */
  readonly onGone: () => void;
}

/** A process that could not be stopped, having no shell that would let it go on, goes on by itself. */
const UNSTOPPED_MS = 100;
/** As Ctrl-Z does outside of raw mode: all that were started with us, a script or npm. */
const GROUP = 0;

export class Console implements Disposable {
  readonly #options: ConsoleOptions;
  readonly #keys: Keys | undefined;
  readonly #screen: Screen;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConsoleOptions) {
    const { terminal, keyboard, palette, paint, onGone } = options;
    this.#options = options;
    terminal.on("error", onGone);
    this.#screen = new Screen(terminal, palette, paint);
    if (keyboard.isTTY) this.#keys = new Keys(keyboard, (key) => this.#press(key));
    process.on("SIGTSTP", this.#onStop);
    process.on("SIGCONT", this.#resume);
  }

  /** There is something new to paint. */
  changed(): void {
    this.#screen.changed();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    process.off("SIGTSTP", this.#onStop);
    process.off("SIGCONT", this.#resume);
    this.#keys?.[Symbol.dispose]();
    this.#screen[Symbol.dispose]();
    // Errors are still passed over: what was written last may fail later.
  }

  #press(key: Key): void {
    if (key === "ctrl-z") return this.#suspend(GROUP);
    if (key === "ctrl-l") return this.#screen.enter();
    this.#options.onKey(key);
    this.#screen.changed();
  }

  readonly #onStop = (): void => this.#suspend(process.pid);

  #suspend(whom: number): void {
    this.#keys?.release();
    this.#screen.leave();
    process.off("SIGTSTP", this.#onStop); // a listener would keep the signal from stopping anything
    process.kill(whom, "SIGTSTP");
    this.#timer = setTimeout(this.#resume, UNSTOPPED_MS);
  }

  readonly #resume = (): void => {
    clearTimeout(this.#timer);
    process.off("SIGTSTP", this.#onStop);
    process.on("SIGTSTP", this.#onStop);
    this.#keys?.listen();
    this.#screen.enter();
  };
}

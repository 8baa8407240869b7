/**
 * A terminal screen that is drawn again and again without flicker: the
 * alternate buffer, one write per frame, only the cells that changed. The
 * screen of before comes back whatever happens: at the end, at an error nobody
 * caught, at `process.exit`.
 */
import type { Palette } from "../terminal/palette.ts";
import { changes, type Frame, type Line, layOut } from "./frame.ts";

/** What is written to; `process.stdout`. */
export interface Terminal {
  /** 0 or missing where nobody knows. */
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain: boolean;
  write(text: string): boolean;
  on(event: "resize" | "drain", listener: () => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  off(event: "resize" | "drain", listener: () => void): unknown;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[0m\u001b[?25h\u001b[?1049l";
/** Synchronised output: the terminal shows the frame at once; ignored where unknown. */
const FRAME_BEGIN = "\u001b[?2026h";
const FRAME_END = "\u001b[?2026l";
/** At most ten frames a second: nobody reads faster, and lines are slow. */
const FRAME_MS = 100;
/** Timers come late by a little: lists that come every 100 ms must not miss each other frame. */
const SLACK_MS = 10;
const USUAL: Size = { columns: 80, rows: 24 };

export class Screen implements Disposable {
  readonly #terminal: Terminal;
  readonly #palette: Palette;
  readonly #paint: (size: Size) => readonly Line[];
  #shown: Frame | undefined;
  #entered = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param paint what to show, asked for right before each frame. */
  constructor(terminal: Terminal, palette: Palette, paint: (size: Size) => readonly Line[]) {
    this.#terminal = terminal;
    this.#palette = palette;
    this.#paint = paint;
    terminal.on("resize", this.#forget);
    terminal.on("drain", this.#draw);
    process.once("exit", this.#leave);
    // Before the error is printed: on the alternate screen it would be lost.
    process.on("uncaughtExceptionMonitor", this.#leave);
    this.enter();
  }

  /** Something to show has changed: drawn now, or as soon as the last frame is old enough. */
  changed(): void {
    const age = performance.now() - this.#drawnAt;
    if (age >= FRAME_MS - SLACK_MS) this.#draw();
    else this.#timer ??= setTimeout(this.#draw, FRAME_MS - age);
  }

  /** Takes the terminal, also after another program had it: all is drawn anew. */
  enter(): void {
    this.#terminal.write(ENTER);
    this.#entered = true;
    this.#forget();
  }

  /** Gives the terminal back as it was, until `enter`. */
  leave(): void {
    this.#leave();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    process.off("exit", this.#leave);
    process.off("uncaughtExceptionMonitor", this.#leave);
    this.#terminal.off("resize", this.#forget);
    this.#terminal.off("drain", this.#draw);
    this.#leave();
  }

  readonly #leave = (): void => {
    if (this.#entered) this.#terminal.write(LEAVE);
    this.#entered = false;
  };

  /** Nobody knows what the terminal shows now. */
  readonly #forget = (): void => {
    this.#shown = undefined;
    this.changed();
  };

  readonly #draw = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { writableNeedDrain } = this.#terminal;
    if (!this.#entered || writableNeedDrain) return; // drawn when the terminal has taken what it was sent
    this.#drawnAt = performance.now();
    const size = {
      columns: this.#terminal.columns || USUAL.columns,
      rows: this.#terminal.rows || USUAL.rows,
    };
    const frame = layOut(this.#paint(size), size.columns, size.rows, this.#shown);
    const bytes = changes(this.#shown, frame, this.#palette);
    this.#shown = frame;
    if (bytes !== "") this.#terminal.write(FRAME_BEGIN + bytes + FRAME_END);
  };
}

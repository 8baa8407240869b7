/**
 * A terminal screen that is redrawn without flicker: the alternate buffer, one
 * write per frame, only the lines that changed. Restored whatever happens.
 */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain: boolean;
  write(text: string): boolean;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
/** Synchronised output: the terminal shows the frame at once; ignored where unknown. */
const FRAME_BEGIN = "\u001b[?2026h";
const FRAME_END = "\u001b[?2026l";

export class Screen implements Disposable {
  readonly #terminal: Terminal;
  readonly #restore = () => this.#terminal.write(LEAVE);
  readonly #forget = () => {
    this.#shown = [];
    this.#terminal.write("\u001b[2J");
  };
  #shown: string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(ENTER);
    terminal.on("resize", this.#forget);
    process.once("exit", this.#restore); // an uncaught error passes here too
  }

  /** Shows these lines; those that do not fit are left out, a slow terminal skips the frame. */
  draw(lines: readonly string[]): void {
    const { columns = 80, rows = 24, writableNeedDrain } = this.#terminal;
    if (writableNeedDrain) return;
    const next = lines.slice(0, rows).map((line) => line.slice(0, columns));
    let frame = "";
    for (let index = 0; index < Math.max(next.length, this.#shown.length); index++) {
      if (next[index] === this.#shown[index]) continue;
      frame += `\u001b[${index + 1};1H${next[index] ?? ""}\u001b[K`;
    }
    this.#shown = next;
    if (frame !== "") this.#terminal.write(FRAME_BEGIN + frame + FRAME_END);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#restore);
    this.#terminal.off("resize", this.#forget);
    this.#restore();
  }
}

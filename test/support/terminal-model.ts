/**
 * A small terminal: takes the bytes that are written to one and keeps its cells.
 *
 * Knows what monitors use and refuses everything else, so that a sequence too
 * much is found. Half of an overwritten wide letter becomes a blank, as on real
 * ones.
 */
import { cellsOf, lettersOf } from "../../src/faces/terminal/cells.ts";

export interface ModelCell {
  /** "" in the second half of a wide letter. */
  readonly letter: string;
  /** The parameters of the SGR sequence in force; "" for none. */
  readonly style: string;
}

const BLANK: ModelCell = { letter: " ", style: "" };
// oxlint-disable-next-line no-control-regex -- they are what is taken apart
const PIECE = /\u001b\[(\??)([\d;]*)([A-Za-z])|([^\u001b]+)/gy;

export class TerminalModel {
  readonly columns: number;
  readonly rows: number;
  cells: ModelCell[][];
  alternate = false;
  cursorShown = true;
  #row = 0;
  #column = 0;
  #style = "";
  #synchronized = false;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => BLANK));
  }

  /** What it shows, line by line. */
  text(): string[] {
    return this.cells.map((row) =>
      row
        .map(({ letter }) => letter)
        .join("")
        .trimEnd(),
    );
  }

  /** @throws {Error} for a sequence it does not know, a letter beyond the edge, a frame that is not ended. */
  write(bytes: string): void {
    PIECE.lastIndex = 0;
    let taken = 0;
    for (const [piece, mark, parameters = "", final, text] of bytes.matchAll(PIECE)) {
      taken += piece.length;
      if (text === undefined) this.#obey(`${mark}${final}`, parameters);
      else this.#print(text);
    }
    if (taken !== bytes.length) throw new Error(`Cannot take ${JSON.stringify(bytes.slice(taken))}`);
    if (this.#synchronized) throw new Error("The frame is not ended");
  }

  #obey(sequence: string, parameters: string): void {
    const [first = 0, second = 0] = parameters.split(";").map(Number);
    switch (sequence) {
      case "H":
        [this.#row, this.#column] = [Math.max(first, 1) - 1, Math.max(second, 1) - 1];
        return;
      case "C":
        this.#column += Math.max(first, 1);
        return;
      case "m":
        this.#style = parameters === "0" ? "" : parameters;
        return;
      case "K":
        for (let column = this.#column; column < this.columns; column++) this.#put(column, BLANK);
        return;
      case "J":
        if (first !== 2) throw new Error(`Cannot clear by ${first}`);
        this.cells = this.cells.map((row) => row.map(() => BLANK));
        return;
      case "?h":
      case "?l":
        return this.#switch(first, sequence === "?h");
      default:
        throw new Error(`Cannot obey ${sequence} ${parameters}`);
    }
  }

  #switch(mode: number, on: boolean): void {
    if (mode === 1049) this.alternate = on;
    else if (mode === 25) this.cursorShown = on;
    else if (mode === 2026) this.#synchronized = on;
    else throw new Error(`Cannot switch mode ${mode}`);
  }

  #print(text: string): void {
    for (const letter of lettersOf(text)) {
      const width = cellsOf(letter);
      // oxlint-disable-next-line no-control-regex
      if (width === 0 || /[\u0000-\u001f\u007f-\u009f]/.test(letter)) {
        throw new Error(`Cannot print ${JSON.stringify(letter)}`);
      }
      if (this.#column + width > this.columns) throw new Error(`${JSON.stringify(letter)} passes the edge`);
      for (let half = 0; half < width; half++) {
        this.#put(this.#column + half, { letter: half === 0 ? letter : "", style: this.#style });
      }
      this.#column += width;
    }
  }

  #put(column: number, cell: ModelCell): void {
    const row = this.cells[this.#row] as ModelCell[];
    // What was wide here loses its other half.
    if (cell.letter !== "" && row[column]?.letter === "") {
      for (let head = column - 1; head >= 0; head--) {
        const wide = row[head]?.letter === "" ? undefined : row[head];
        row[head] = BLANK;
        if (wide) break;
      }
    }
    for (let tail = column + 1; tail < this.columns && row[tail]?.letter === ""; tail++) row[tail] = BLANK;
    row[column] = cell;
  }
}

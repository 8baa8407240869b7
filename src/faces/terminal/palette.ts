/**
 * The few colours of the old screens, or none: NO_COLOR (https://no-color.org), a dumb terminal, a pipe.
 *
 * Pure: no clock, no I/O.
 */

export interface Palette {
  /** False where no escape sequence may be written at all. */
  readonly coloured: boolean;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
  readonly cyan: Paint;
  readonly white: Paint;
  readonly bold: Paint;
  readonly dim: Paint;
  /** A title bar: light letters on blue. */
  readonly bar: Paint;
}

/** @returns the text between escape sequences; it must have been made printable before. */
export type Paint = (text: string) => string;

const RESET = "\u001b[0m";

/** @param stream what is written to. @param environment NO_COLOR and TERM are looked at. */
export function paletteFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Palette {
  const coloured =
    stream.isTTY === true && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const paint = (code: string): Paint =>
    coloured ? (text) => `\u001b[${code}m${text}${RESET}` : (text) => text;
  return {
    coloured,
    red: paint("0;31"),
    green: paint("0;32"),
    yellow: paint("0;33"),
    blue: paint("0;34"),
    cyan: paint("0;36"),
    white: paint("1;97"),
    bold: paint("1"),
    dim: paint("2"),
    bar: paint("44;1;39"),
  };
}

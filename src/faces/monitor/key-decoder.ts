/**
 * Names the keys in what a terminal sends in raw mode.
 *
 * A key that is no letter comes as an escape sequence, which may be split over
 * reads; ESC alone is a key as well. So a sequence that is not complete waits
 * for the next read, and whoever reads says when it has waited long enough.
 *
 *   ESC [ parameters final      cursor and editing keys (ECMA-48 5.4)
 *   ESC O letter                the same in application mode
 *   ESC [ [ letter              function keys of Linux's console
 *
 * Pure: no clock, no I/O.
 */

/** "up", "page-down", "enter", "escape", "ctrl-c"; a letter is its own name. */
export type Key = string;

export class KeyDecoder {
  #waiting = "";

  /** Whether a sequence has begun that is not complete. */
  get waits(): boolean {
    return this.#waiting !== "";
  }

  push(text: string): Key[] {
    let rest = this.#waiting + text;
    this.#waiting = "";
    const keys: Key[] = [];
    while (rest !== "") {
      if (BEGUN.test(rest) && rest.length < LONGEST) {
        this.#waiting = rest;
        break;
      }
      const [sequence] = COMPLETE.exec(rest) ?? [String.fromCodePoint(rest.codePointAt(0) as number)];
      rest = rest.slice(sequence.length);
      const key = nameOf(sequence);
      if (key !== undefined) keys.push(key);
    }
    return keys;
  }

  /** No more of the sequence came in time: its ESC was a key. */
  giveUp(): Key[] {
    const waiting = this.#waiting;
    this.#waiting = "";
    return waiting === "" ? [] : ["escape"];
  }
}

/** Nothing that is a key is longer: a terminal that goes on has been garbled. */
const LONGEST = 32;
// oxlint-disable-next-line no-control-regex -- they are what keys are
const BEGUN = /^\u001b(?:$|O$|\[(?:$|\[$|[0-?]+[ -/]*$))/;
// oxlint-disable-next-line no-control-regex
const COMPLETE = /^\u001b(?:O[ -~]|\[\[[ -~]|\[[0-?]*[ -/]*[@-~])/;

function nameOf(sequence: string): Key | undefined {
  const known = NAMES[sequence];
  if (known !== undefined) return known;
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u001f\u0080-\u009f]/.test(sequence) ? undefined : sequence;
}

const NAMES: Readonly<Record<string, Key>> = {
  "\u0003": "ctrl-c",
  "\u0004": "ctrl-d",
  "\u000c": "ctrl-l",
  "\u0015": "ctrl-u",
  "\u001a": "ctrl-z",
  "\r": "enter",
  "\n": "enter",
  "\u0008": "backspace",
  "\u007f": "backspace",
  "\u001b": "escape",
  ...sequences("A", "up"),
  ...sequences("B", "down"),
  ...sequences("C", "right"),
  ...sequences("D", "left"),
  ...sequences("H", "home"),
  ...sequences("F", "end"),
  "\u001b[1~": "home",
  "\u001b[7~": "home",
  "\u001b[4~": "end",
  "\u001b[8~": "end",
  "\u001b[5~": "page-up",
  "\u001b[6~": "page-down",
};

function sequences(final: string, key: Key): Record<string, Key> {
  return { [`\u001b[${final}`]: key, [`\u001bO${final}`]: key };
}

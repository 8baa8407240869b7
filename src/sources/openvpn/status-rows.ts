/**
 * The fields of one row of a status.
 *
 * In version 3 a tab ends each field, and no name can hold one. In versions 1
 * and 2 a comma does, and names are free to hold it: such a row is taken apart
 * from its right end, and by what its fields must look like. A name that is
 * made to look like fields leaves two readings, of which none is believed
 * (facts: openvpn, 3).
 *
 * Pure: no clock, no I/O.
 */

const COMMON_NAME = "Common Name";
const USERNAME = "Username";

/** What a field must look like, by its column; a field of any other column may be anything. */
const SHAPES: ReadonlyMap<string, RegExp> = new Map([
  ["Real Address", /^[\w.:%[\]-]*[.:][\w.:%[\]-]*$/],
  ["Virtual Address", /^[\da-fA-F.:]*$/],
  ["Virtual IPv6 Address", /^[\da-fA-F.:]*$/],
  ["Bytes Received", /^\d+$/],
  ["Bytes Sent", /^\d+$/],
  ["Connected Since", /^[\w: -]*:[\w: -]*$/],
  ["Connected Since (time_t)", /^\d+$/],
]);

/** Takes rows of one kind apart. */
export class RowSplitter {
  readonly #separator: string;
  readonly #columns: readonly string[];

  /** @param columns as the header names them. */
  constructor(separator: "\t" | ",", columns: readonly string[]) {
    this.#separator = separator;
    this.#columns = columns;
  }

  /** Where a column's field stands; -1 without it. */
  index(column: string): number {
    return this.#columns.indexOf(column);
  }

  /**
   * Where a field begins that no name stands in front of, in a row of tabs.
   *
   * @param from where the first field begins.
   * @returns `from` where that cannot be told.
   */
  start(index: number, row: string, from: number): number {
    if (this.#separator !== "\t") return from;
    let at = from;
    for (let field = 0; field < index; field++) {
      const end = row.indexOf("\t", at);
      if (end < 0) return from;
      at = end + 1;
    }
    return at;
  }

  /** @param text the row without its kind. @returns as many fields as there are columns; undefined if it cannot be told. */
  split(text: string): readonly string[] | undefined {
    const fields = text.split(this.#separator);
    if (fields.length === this.#columns.length) return fields;
    return this.#separator === "," && fields.length > this.#columns.length
      ? this.#withCommas(fields)
      : undefined;
  }

  #withCommas(fields: readonly string[]): readonly string[] | undefined {
    const columns = this.#columns;
    const [name, username] = [columns.indexOf(COMMON_NAME), columns.indexOf(USERNAME)];
    const surplus = fields.length - columns.length;
    const join = (from: number, to: number) => fields.slice(from, to).join(",");
    if (username < name) {
      // One name alone: all the surplus is its.
      const end = name + surplus + 1;
      return [...fields.slice(0, name), join(name, end), ...fields.slice(end)];
    }
    const between = columns.slice(name + 1, username);
    const readings: string[][] = [];
    for (let own = 0; own <= surplus; own++) {
      const from = name + own + 1;
      const to = from + between.length;
      if (!between.every((column, at) => SHAPES.get(column)?.test(fields[from + at] ?? "") ?? true)) continue;
      const end = to + (surplus - own) + 1;
      readings.push([
        ...fields.slice(0, name),
        join(name, from),
        ...fields.slice(from, to),
        join(to, end),
        ...fields.slice(end),
      ]);
    }
    if (readings.length <= 1) return readings[0];
    // A user can write one reading into his name, but not twice what the server writes between two names.
    const twice = readings.filter((reading) => reading[name] === reading[username]);
    return twice.length === 1 ? twice[0] : undefined;
  }
}

/** A whole number up to 2^53 - 1; undefined for anything else. */
export function count(text: string | undefined): number | undefined {
  if (text === undefined || text.length === 0 || text.length > 16) return undefined;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * The text of nginx's log_format, taken apart.
 *
 *   format = text ($name | ${name}) text ($name | ${name}) ... text
 *
 * Pure: no clock, no I/O.
 */
export interface LogFormat {
  /** In front of the first variable. */
  readonly head: string;
  /** At least one. */
  readonly fields: readonly LogField[];
}

export interface LogField {
  /** Without "$". */
  readonly name: string;
  /** Behind it, up to the next variable; "" behind the last one alone. */
  readonly text: string;
}

const VARIABLE = /\$(?:\{(\w+)\}|(\w+))/g;

/**
 * @param format as log_format has it: its strings joined, without name and escape.
 * @throws {SyntaxError} that names the place, when there is no variable, or no text between two of them: nobody
 * could tell where the first ends.
 */
export function parseLogFormat(format: string): LogFormat {
  const variables = [...format.matchAll(VARIABLE)];
  const fields = variables.map((match, at): LogField => {
    const end = match.index + match[0].length;
    const next = variables[at + 1];
    if (next?.index === end) {
      throw new SyntaxError(`expected text between ${match[0]} and ${next[0]} at character ${end + 1}`);
    }
    return { name: match[1] ?? match[2] ?? "", text: format.slice(end, next?.index) };
  });
  if (fields.length === 0) {
    const got = JSON.stringify(format.slice(0, 80));
    throw new SyntaxError(
      `expected a known format's name or a text with variables such as $host, got ${got}`,
    );
  }
  return { head: format.slice(0, variables[0]?.index), fields };
}

/**
 * The checked readers that the settings are read with, one per kind of value.
 *
 * Each takes a key of a section and answers a value that can be used. What does
 * not fit goes to the problems, under the path a person would look for, and the
 * default stands in so that the other keys are still checked; nobody gets to see
 * settings with problems. An absent key is its default, and null is a value.
 *
 * Pure: no clock, no I/O.
 */
import { isWhole, shown } from "./config-values.ts";
import { reasonOf } from "./errors.ts";
import { type Milliseconds, milliseconds } from "./units.ts";

/** One object of the settings file. */
export interface Section {
  readonly fields: Readonly<Record<string, unknown>>;
  /** "" for the whole file, else "xray", "openvpn[1]". */
  readonly path: string;
  /** Shared by all sections of one file. */
  readonly problems: string[];
}

/** Opens an object and names every key that is not one of `keys`. An empty one stands in for what is no object. */
export function section(
  input: unknown,
  path: string,
  keys: readonly string[] | "any",
  problems: string[],
): Section {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    problems.push(`${path || "the file"}: expected an object, got ${shown(input)}`);
    return { fields: {}, path, problems };
  }
  const opened = { fields: input as Record<string, unknown>, path, problems };
  for (const key of Object.keys(input)) {
    if (keys === "any" || keys.includes(key)) continue;
    problems.push(`${pathOf(opened, key)}: unknown setting; known are ${keys.join(", ")}`);
  }
  return opened;
}

/** The part under `key`: null switches it off, and absent it has its defaults. */
export function part<Part>(
  parent: Section,
  key: string,
  keys: readonly string[],
  read: (section: Section) => Part,
): Part | null {
  const input = parent.fields[key] === undefined ? {} : parent.fields[key];
  return input === null ? null : read(section(input, pathOf(parent, key), keys, parent.problems));
}

/** The parts under `key`: one object, a list of them, or null for none. Absent, it is one with its defaults. */
export function parts<Part>(
  parent: Section,
  key: string,
  keys: readonly string[],
  read: (section: Section) => Part,
): Part[] {
  const input = parent.fields[key] === undefined ? {} : parent.fields[key];
  if (input === null) return [];
  const path = pathOf(parent, key);
  if (!Array.isArray(input)) return [read(section(input, path, keys, parent.problems))];
  return input.map((item: unknown, at) => read(section(item, `${path}[${at}]`, keys, parent.problems)));
}

/** A value that `read` answers with, or with undefined when it is not what is `expected`. */
export function field<Value>(
  from: Section,
  key: string,
  fallback: Value,
  expected: string,
  read: (value: unknown) => Value | undefined,
): Value {
  const value = from.fields[key];
  if (value === undefined) return fallback;
  const fitting = read(value);
  if (fitting === undefined) {
    from.problems.push(`${pathOf(from, key)}: expected ${expected}, got ${shown(value)}`);
    return fallback;
  }
  return fitting;
}

/** A text that `parse` turns into a value, throwing an error whose message says what is wrong. */
export function parsed<Value>(
  from: Section,
  key: string,
  fallback: Value,
  parse: (text: string) => Value,
): Value {
  const text = field(from, key, undefined, "a text", (value) =>
    typeof value === "string" ? value : undefined,
  );
  return text === undefined ? fallback : attempt(from, pathOf(from, key), fallback, () => parse(text));
}

/** What `make` answers with; `fallback` when it throws, and its message among the problems. */
export function attempt<Value>(from: Section, path: string, fallback: Value, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    from.problems.push(`${path}: ${reasonOf(error)}`);
    return fallback;
  }
}

/** A whole number from `min` to `max`. */
export function integer(
  from: Section,
  key: string,
  range: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const { min, max, fallback } = range;
  return field(from, key, fallback, `a whole number from ${min} to ${max}`, (value) =>
    isWhole(value, min, max) ? value : undefined,
  );
}

/** A span in whole milliseconds, as keys that end in "_ms" give it. */
export function span(
  from: Section,
  key: string,
  range: { readonly min: number; readonly max: number; readonly fallback: number },
): Milliseconds {
  return milliseconds(integer(from, key, range));
}

export function oneOf<Word extends string>(
  from: Section,
  key: string,
  words: readonly Word[],
  fallback: Word,
): Word {
  const expected = words.map((word) => JSON.stringify(word)).join(" or ");
  return field(from, key, fallback, expected, (value) => words.find((word) => word === value));
}

export function flag(from: Section, key: string, fallback: boolean): boolean {
  return field(from, key, fallback, "true or false", (value) =>
    typeof value === "boolean" ? value : undefined,
  );
}

/** A list whose items `read` answers with; it answers undefined for what is not `expected`. */
export function list<Item>(
  from: Section,
  key: string,
  fallback: readonly Item[],
  expected: string,
  read: (item: unknown) => Item | undefined,
): readonly Item[] {
  const path = pathOf(from, key);
  const items = field(from, key, undefined, `a list of ${expected}`, (value) =>
    Array.isArray(value) ? (value as readonly unknown[]) : undefined,
  );
  return (
    items?.flatMap((item, at) => {
      const fitting = read(item);
      if (fitting !== undefined) return [fitting];
      from.problems.push(`${path}[${at}]: expected one of ${expected}, got ${shown(item)}`);
      return [];
    }) ?? fallback
  );
}

/** Names every item whose key an earlier one has already. */
export function refuseTwins<Item>(
  items: readonly Item[],
  path: string,
  key: string,
  keyOf: (item: Item) => string,
  problems: string[],
): void {
  const firstAt = new Map<string, number>();
  for (const [at, item] of items.entries()) {
    const value = keyOf(item);
    const first = firstAt.get(value);
    if (first === undefined) firstAt.set(value, at);
    else problems.push(`${path}[${at}].${key}: expected one of its own, got ${path}[${first}]'s "${value}"`);
  }
}

export function pathOf(from: Section, key: string): string {
  return from.path === "" ? key : `${from.path}.${key}`;
}

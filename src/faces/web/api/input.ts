/**
 * Reads what a request says: the parameters of its address, or the fields of its
 * body. Each names what it takes, and the refusal says what came instead; what is
 * not asked for is refused too, so that a misspelt name is no silent nothing.
 *
 * Pure: no clock, no I/O.
 */
import { printable } from "../../../log.ts";

/** A request that cannot be read as it was put: status 400. */
export class BadRequestError extends Error {
  override readonly name = "BadRequestError";
  readonly code = "BAD_REQUEST";
}

/** One value: what is expected, in words and as a JSON Schema, and how it is read; undefined is a refusal. */
export interface Field<Value> {
  readonly expected: string;
  /** Of the value as it comes, which in an address is a text that may stand for a number. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly read: (value: unknown) => Value | undefined;
  /** It may be left out, and is this then. */
  readonly missing?: { readonly value: Value };
}

export type Shape = Readonly<Record<string, Field<unknown>>>;
export type Read<Of extends Shape> = {
  readonly [Key in keyof Of]: Of[Key] extends Field<infer Value> ? Value : never;
};

const LONGEST_SHOWN = 80;

/** @throws {BadRequestError} naming every field that is not as expected. */
export function readFields<Of extends Shape>(what: string, shape: Of, value: unknown): Read<Of> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadRequestError(`Cannot read ${what}: expected an object, got ${shown(value)}`);
  }
  const given = new Map(Object.entries(value));
  const problems = [...given.keys()]
    .filter((key) => !Object.hasOwn(shape, key))
    .map((key) => `expected ${Object.keys(shape).join(", ") || "nothing"}, got ${shown(key)}`);
  const read = Object.entries(shape).map(([key, field]) => {
    const raw: unknown = given.get(key);
    if (raw === undefined && field.missing) return [key, field.missing.value];
    const found = raw === undefined ? undefined : field.read(raw);
    if (found === undefined) problems.push(`${key}: expected ${field.expected}, got ${shown(raw)}`);
    return [key, found];
  });
  if (problems.length > 0) throw new BadRequestError(`Cannot read ${what}: ${problems.join("; ")}`);
  return Object.fromEntries(read) as Read<Of>;
}

/** @throws {BadRequestError} for a body that is no JSON, and as `readFields` does. */
export function readBody<Of extends Shape>(shape: Of, text: string): Read<Of> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRequestError(`Cannot read the body: expected JSON, got ${shown(text)}`);
  }
  return readFields("the body", shape, value);
}

/** What `readFields` takes. */
export function schemaOf(shape: Shape): Readonly<Record<string, unknown>> {
  const fields = Object.entries(shape);
  return {
    type: "object",
    properties: Object.fromEntries(fields.map(([key, { schema }]) => [key, schema])),
    required: fields.filter(([, { missing }]) => !missing).map(([key]) => key),
    additionalProperties: false,
  };
}

/** May be left out. */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return { ...field, missing: { value: undefined } };
}

/** What it is when it is left out. */
export function otherwise<Value>(field: Field<Value>, value: Value): Field<Value> {
  const said = field.schema["enum"] !== undefined && typeof value === "boolean" ? Number(value) : value;
  return { ...field, schema: { ...field.schema, default: said }, missing: { value } };
}

/** Without control characters, and not longer than names and addresses are. */
export function text(longest = 255): Field<string> {
  return {
    expected: `a text of at most ${longest} characters without control characters`,
    schema: { type: "string", maxLength: longest },
    read: (value) =>
      typeof value === "string" && value.length <= longest && printable(value) === value ? value : undefined,
  };
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Field<Word> {
  return {
    expected: words.join(", "),
    schema: { type: "string", enum: words },
    read: (value) => words.find((word) => word === value),
  };
}

/** Of a body. */
export function whole(least: number, most: number): Field<number> {
  return {
    expected: `a whole number from ${least} to ${mostText(most)}`,
    schema: { type: "integer", minimum: least, maximum: most },
    read: (value) => (isWhole(value, least, most) ? value : undefined),
  };
}

/** Of an address, where all is text. */
export function wholeText(least: number, most: number): Field<number> {
  return {
    expected: `a whole number from ${least} to ${mostText(most)}`,
    schema: { type: "integer", minimum: least, maximum: most },
    read: (value) => {
      const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : undefined;
      return isWhole(number, least, most) ? number : undefined;
    },
  };
}

export function flag(): Field<boolean> {
  return {
    expected: "true or false",
    schema: { type: "boolean" },
    read: (value) => (typeof value === "boolean" ? value : undefined),
  };
}

/** Of an address. */
export function flagText(): Field<boolean> {
  return {
    expected: "0 or 1",
    schema: { type: "integer", enum: [0, 1] },
    read: (value) => (value === "0" || value === "1" ? value === "1" : undefined),
  };
}

/** What `parse` takes without a throw. @param expected in words. */
export function parsed<Value>(expected: string, parse: (value: string) => Value): Field<string> {
  return {
    expected,
    schema: { type: "string", description: expected },
    read: (value) => {
      if (typeof value !== "string") return undefined;
      try {
        parse(value);
        return value;
      } catch {
        return undefined;
      }
    },
  };
}

/** @param most how many there may be; at least one. */
export function listOf<Of extends Shape>(shape: Of, most: number): Field<readonly Read<Of>[]> {
  return {
    expected: `a list of 1 to ${most} objects with ${Object.keys(shape).join(" and ")}`,
    schema: { type: "array", minItems: 1, maxItems: most, items: schemaOf(shape) },
    read: (value) => {
      if (!Array.isArray(value) || value.length === 0 || value.length > most) return undefined;
      try {
        return value.map((item: unknown) => readFields("an item", shape, item));
      } catch (error) {
        if (error instanceof BadRequestError) return undefined;
        throw error;
      }
    },
  };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function mostText(most: number): string {
  return most === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : String(most);
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, LONGEST_SHOWN);
}

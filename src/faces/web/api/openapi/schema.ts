/**
 * A few words for JSON Schemas (2020-12, as OpenAPI 3.1 has them).
 *
 * Pure: no clock, no I/O.
 */
export type Schema = Readonly<Record<string, unknown>>;

/** With these fields and no others; those of `may` need not be there. */
export function object(
  fields: Readonly<Record<string, Schema>>,
  may: Readonly<Record<string, Schema>> = {},
): Schema {
  return {
    type: "object",
    properties: { ...fields, ...may },
    required: Object.keys(fields),
    additionalProperties: false,
  };
}

export function list(items: Schema, more: Schema = {}): Schema {
  return { type: "array", items, ...more };
}

/** Always so many items, each of its own kind. */
export function tuple(items: readonly Schema[], description: string): Schema {
  return { type: "array", prefixItems: items, items: false, minItems: items.length, description };
}

export function text(description?: string): Schema {
  return { type: "string", ...told(description) };
}

export function words(...known: readonly string[]): Schema {
  return { type: "string", enum: known };
}

/** A whole number, 0 or more. */
export function count(description?: string): Schema {
  return { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...told(description) };
}

export function number(description?: string): Schema {
  return { type: "number", ...told(description) };
}

export function flag(description?: string): Schema {
  return { type: "boolean", ...told(description) };
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

/** One of the document's own schemas. */
export function named(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function told(description: string | undefined): Schema {
  return description === undefined ? {} : { description };
}

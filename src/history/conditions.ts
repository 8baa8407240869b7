/**
 * Conditions of a question, in SQL: only those that are asked for stand in it, so
 * that SQLite finds the index for them.
 *
 * Pure: no clock, no I/O.
 */

/** With the name for its value. */
export const NUMBER_OF_ACCOUNT = "(SELECT id FROM accounts WHERE name = ?)";
export const NUMBER_OF_SERVICE = "(SELECT id FROM services WHERE name = ?)";

export type Bound = string | number;
/** With one "?" for the value, or none for `true`; not asked for where that is undefined. */
export type Condition = readonly [sql: string, value: Bound | true | undefined];

export function clauseOf(conditions: readonly Condition[]): {
  readonly clause: string;
  readonly values: readonly Bound[];
} {
  const asked = conditions.filter(([, value]) => value !== undefined);
  return {
    clause: asked.length > 0 ? `WHERE ${asked.map(([sql]) => sql).join(" AND ")}` : "",
    values: asked.flatMap(([, value]) => (value === true || value === undefined ? [] : [value])),
  };
}

/** @param moment ms since 1970. */
export function secondOf(moment: number | undefined): number | undefined {
  return moment === undefined ? undefined : Math.floor(moment / 1000);
}

/**
 * Conditions of a question, in SQL: only those that are asked for stand in it, so
 * that SQLite finds the index for them.
 *
 * Pure: no clock, no I/O.
 */

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

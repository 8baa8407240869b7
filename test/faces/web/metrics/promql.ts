/** The names of metrics in an expression of PromQL. */

const WORDS = new Set([
  "and",
  "or",
  "unless",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "bool",
  "offset",
]);

/**
 * Whatever is left when text, labels, durations, functions and words of the
 * language are taken away.
 *
 * @throws {Error} for an expression whose brackets do not match.
 */
export function metricNamesIn(expression: string): readonly string[] {
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [open, close] of ["()", "{}", "[]"]) {
    const [opened, closed] = [open, close].map((bracket) => bare.split(bracket as string).length);
    if (opened !== closed) throw new Error(`The brackets do not match in ${expression}`);
  }
  return [
    ...bare
      .replace(/\{[^}]*\}/g, " ")
      .replace(/\[[^\]]*\]/g, " ")
      .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ")
      .matchAll(/(?<![\w$])[a-zA-Z_:][\w:]*(?!\w*\s*\()/g),
  ]
    .map(([name]) => name)
    .filter((name) => !WORDS.has(name));
}

/** Metrics a rate is taken of. */
export function ratedIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\b(?:rate|irate|increase)\(\s*([a-zA-Z_:][\w:]*)/g)].map(
    ([, name = ""]) => name,
  );
}

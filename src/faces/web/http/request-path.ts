/**
 * What is wrong with a request's path, before anything reads it.
 *
 * No path ever reaches the disk (static-files.ts), so a trick would find nothing;
 * it is refused all the same, because nobody honest sends one. Names of accounts
 * stand in paths percent-encoded, slashes and all.
 *
 * Pure: no clock, no I/O.
 */
const MOST_LETTERS = 2_048;

/** @param target as it came: "/accounts/joe?x=1". @returns undefined if nothing is wrong. */
export function pathFault(target: string): string | undefined {
  if (target.length > MOST_LETTERS) return `expected at most ${MOST_LETTERS} letters, got ${target.length}`;
  const path = target.split("?", 1)[0] ?? "";
  if (!/^\/[!-~]*$/.test(path) || path.startsWith("//") || path.includes("\\") || path.includes("#"))
    return "expected a path of one slash and printable letters";
  const once = decoded(path);
  const twice = once === undefined ? undefined : (decoded(once) ?? once);
  if (once === undefined || twice === undefined) return "expected UTF-8 in percent-encoding";
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u001f\u007f-\u009f]/.test(once + twice)) return "expected no control characters";
  const steps = `${once}/${twice}`.split(/[/\\]/);
  return steps.includes("..") || steps.includes(".") ? "expected no steps to other folders" : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether a sudoers file speaks of somebody (sudoers(5)).
 *
 * It is not asked what he may do, only whether he is meant at all: an operator
 * who gave a login any right through sudo did not sell it to a customer. So
 * every doubt is a yes: his name as a whole word in any rule, alias or default
 * protects him, whatever stands around it.
 *
 * Pure: no clock, no I/O.
 */

export interface SudoSubject {
  readonly name: string;
  readonly uid: number;
  /** All his groups, primary first. */
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
}

/** The rule that may mean him, or undefined. */
export function sudoRuleFor(text: string, { name, uid, groups }: SudoSubject): string | undefined {
  const meant = [name, `#${uid}`, ...groups.flatMap((group) => [`%${group.name}`, `%#${group.gid}`])];
  const wanted = new Set(meant.map((word) => word.toLowerCase()));
  return rulesIn(text).find((rule) => {
    const words = wordsOf(rule);
    return (
      words.some((word) => wanted.has(word)) ||
      // Netgroups, and groups of directories: who is in them is not known here.
      words.some((word) => /^\+\w|^%:/.test(word)) ||
      // "ALL host = ..." means everybody; ALL behind the first "=" is a host, a runas or a command.
      /^!?ALL\b/.test(rule) ||
      /^[^=]*,\s*!?ALL\b/.test(rule) ||
      /^(?:User_Alias|Defaults)\b.*[=:,]\s*ALL\b/.test(rule)
    );
  });
}

/** Files and folders it includes, in the file's own words ("%h" is not replaced: such a file is not found, which is a doubt). */
export function includesIn(text: string): { readonly kind: "file" | "folder"; readonly path: string }[] {
  return joined(text).flatMap((line) => {
    const [, word = "", quoted, bare] =
      /^[@#](include|includedir)\s+(?:"([^"]+)"|((?:\\.|\S)+))/.exec(line.trim()) ?? [];
    const path = quoted ?? bare?.replaceAll("\\ ", " ");
    return path === undefined
      ? []
      : [{ kind: word === "include" ? ("file" as const) : ("folder" as const), path }];
  });
}

function rulesIn(text: string): string[] {
  return joined(text).flatMap((line) => {
    // A "#" in front of digits is a uid; behind a word it may be anything.
    const rule = line.replace(/(^|\s)#(?!-?\d).*$/, "").trim();
    return rule === "" || /^@include/.test(rule) ? [] : [rule];
  });
}

/** Lines, with those that a backslash continues put together. */
function joined(text: string): string[] {
  return text.replace(/\\\r?\n/g, " ").split(/\r?\n/);
}

/**
 * Names, "%group", "#uid", "%#gid" in lower case (sudo may compare so), quotes
 * and escapes undone; and what paths are made of, as his own script run by
 * others is a doubt too. A default's paths are only where commands are looked for.
 */
function wordsOf(rule: string): string[] {
  const plain = rule
    .replace(/\\x([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/["\\]/g, "")
    .toLowerCase();
  const words = plain.split(/[\s,=()!>]+/);
  const parts = words.flatMap((word) => word.split(":"));
  const names = rule.startsWith("Defaults") ? [] : plain.split(/[^\w.$-]+/);
  return [...words, ...parts, ...names].filter((word) => word !== "");
}

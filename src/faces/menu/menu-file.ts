/**
 * Reads a menu file: JSON with comments that says what a menu shows, what each
 * item asks and which one command line of ours it runs.
 *
 *   {
 *     "title": "DATA USAGE LIMIT MENU",
 *     "status": [{ "label": "Enforcer", "run": ["sluice", "status", "--brief"] }],
 *     "items": [
 *       {
 *         "key": "2", "text": "Check Single User Usage",
 *         "asks": [{ "name": "user", "prompt": "Enter username: ", "check": "user" }],
 *         "run": ["cek-bw-limit", "usage", "--", "{user}"]
 *       }
 *     ]
 *   }
 *
 * A menu's name is that of its file. An item has either `run` or `opens`, the
 * name of another menu. What was asked for stands in `run` as an argument of
 * its own, and no shell reads it; what may begin with a dash stands behind "--".
 * Every wrong entry is reported, each with its place.
 *
 * Pure: no clock, no I/O.
 */
import { field, flag, list, oneOf, pathOf, refuseTwins, type Section, section } from "../../config-fields.ts";
import { reasonOf } from "../../errors.ts";
import { parseJsonc } from "../../jsonc.ts";
import { CHECKS, type Check, type Confirmation, type Menu, type MenuItem, type Question } from "./menu.ts";

/** Answers that pass for no option, whatever they are. */
const PLAIN: readonly Check[] = ["megabytes", "type", "service", "file"];

/** The names our program goes by. */
const COMMANDS = [
  ...["sluice", "cek-bw-limit", "capture-host"],
  ...["menu-captured-hosts", "realtime-bandwidth", "realtime-hosts"],
];
const ITEM_KEYS = ["key", "text", "says", "shows", "asks", "confirm", "run", "opens", "live"];
/** "0" and "x" leave every menu. */
const KEY = /^[1-9]\d{0,2}$/;
const WORD = /^[a-z][a-z0-9-]*$/;

/**
 * @param path where it came from, for messages.
 * @param menus the names that `opens` may have.
 * @throws {SyntaxError} with a line for each entry that cannot be used.
 */
export function parseMenu(path: string, text: string, menus: readonly string[]): Menu {
  const problems: string[] = [];
  const menu = menuOf(contentOf(path, text), menus, problems);
  if (problems.length > 0) throw new SyntaxError(problems.map((each) => `${path}: ${each}`).join("\n"));
  return menu;
}

function contentOf(path: string, text: string): unknown {
  try {
    return parseJsonc(text);
  } catch (cause) {
    throw new SyntaxError(`${path}: ${reasonOf(cause)}`, { cause });
  }
}

function menuOf(content: unknown, menus: readonly string[], problems: string[]): Menu {
  const root = section(content, "", ["title", "status", "items"], problems);
  const items = sections(root, "items", ITEM_KEYS);
  const menu: Menu = {
    title: required(root, "title", LINE, asLine),
    status: sections(root, "status", ["label", "run"]).map((line) => ({
      label: required(line, "label", LINE, asLine),
      run: commandOf(line, "run", []),
    })),
    items: items.map((item) => itemOf(item, menus)),
  };
  if (items.length === 0) problems.push("items: expected a list with one object or more, got none");
  refuseTwins(menu.items, "items", "key", ({ key }) => key, problems);
  return menu;
}

function itemOf(item: Section, menus: readonly string[]): MenuItem {
  const asks = sections(item, "asks", ["name", "prompt", "check"]).map((question) => ({
    name: required(question, "name", 'a word such as "user"', like(WORD)),
    prompt: required(question, "prompt", LINE, asLine),
    check: required(question, "check", oneOfWords(CHECKS), (value) => CHECKS.find((word) => word === value)),
  })) as readonly Question[]; // a check that is none is among the problems
  refuseTwins(asks, pathOf(item, "asks"), "name", ({ name }) => name, item.problems);
  const names = asks.map(({ name }) => name);
  const [has, opens] = [item.fields["run"] !== undefined, item.fields["opens"] !== undefined];
  if (has === opens) {
    item.problems.push(`${item.path}: expected either run or opens, got ${has ? "both" : "neither"}`);
  }
  return {
    key: required(item, "key", 'a number from "1" to "999"', like(KEY)),
    text: required(item, "text", LINE, asLine),
    says: field(item, "says", "", LINE, asLine),
    shows: item.fields["shows"] === undefined ? [] : commandOf(item, "shows", []),
    asks,
    confirm: item.fields["confirm"] === undefined ? undefined : confirmationOf(item, names),
    run: has ? commandOf(item, "run", asks) : [],
    opens: opens
      ? required(item, "opens", oneOfWords(menus), (value) => menus.find((name) => name === value))
      : "",
    live: flag(item, "live", false),
  };
}

function confirmationOf(item: Section, names: readonly string[]): Confirmation {
  const path = pathOf(item, "confirm");
  const from = section(item.fields["confirm"], path, ["prompt", "expects"], item.problems);
  const answers = ["y", ...names.map((name) => `{${name}}`)];
  return {
    prompt: required(from, "prompt", LINE, asLine),
    expects: oneOf(from, "expects", answers, "y"),
  };
}

/** One of our commands, its words and what was asked. */
function commandOf(from: Section, key: string, asks: readonly Question[]): readonly string[] {
  const path = pathOf(from, key);
  const words = list(from, key, [], "texts", (word) => (typeof word === "string" ? word : undefined));
  const refuse = (at: number, expected: string) =>
    from.problems.push(`${path}[${at}]: expected ${expected}, got ${JSON.stringify(words[at]) ?? "nothing"}`);
  if (!COMMANDS.includes(words[0] ?? "")) refuse(0, oneOfWords(COMMANDS));
  const end = words.indexOf("--");
  for (const [at, word] of words.entries()) {
    if (!/[{}]/.test(word)) continue;
    const asked = asks.find(({ name }) => word === `{${name}}`);
    if (!asked) {
      refuse(at, asks.length === 0 ? "no placeholder" : oneOfWords(asks.map(({ name }) => `{${name}}`)));
    } else if (!PLAIN.includes(asked.check) && (end < 0 || at < end)) {
      refuse(at, '"--" before the first placeholder');
    }
  }
  return words;
}

/** The objects of a list; absent, there are none. */
function sections(from: Section, key: string, keys: readonly string[]): Section[] {
  const path = pathOf(from, key);
  const entries = field(from, key, [] as readonly unknown[], "a list of objects", (value) =>
    Array.isArray(value) ? (value as readonly unknown[]) : undefined,
  );
  return entries.map((entry, at) => section(entry, `${path}[${at}]`, keys, from.problems));
}

/** As `field()`, but the key must be there; "" stands in for what is not. */
function required(
  from: Section,
  key: string,
  expected: string,
  read: (value: unknown) => string | undefined,
): string {
  if (from.fields[key] === undefined) {
    from.problems.push(`${pathOf(from, key)}: expected ${expected}, got nothing`);
  }
  return field(from, key, "", expected, read);
}

function like(pattern: RegExp): (value: unknown) => string | undefined {
  return (value) => (typeof value === "string" && pattern.test(value) ? value : undefined);
}

const LINE = "a text of one line";
// oxlint-disable-next-line no-control-regex -- they would write the terminal
const asLine = like(/^[^\u0000-\u001f\u007f-\u009f]+$/);

function oneOfWords(words: readonly string[]): string {
  return `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`;
}

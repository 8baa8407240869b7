/**
 * The menu: draws, asks, runs one command line of ours, and begins again, until
 * the operator leaves or there are no more answers.
 */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { RefusedRequestError } from "../../errors.ts";
import { printable } from "../../log.ts";
import { NO_SUCH_USER } from "../cli/exit-status.ts";
import { type Palette, paletteFor } from "../terminal/palette.ts";
import { Answers } from "./answers.ts";
import { refusalOf } from "./checks.ts";
import { askCommand, type Ended, runCommand } from "./command.ts";
import { menuText, type StatusAnswer } from "./draw.ts";
import type { Menu, MenuItem, Question, StatusLine } from "./menu.ts";
import { parseMenu } from "./menu-file.ts";

const MENUS = fileURLToPath(new URL("../../../menus/", import.meta.url));
const REASONS: Readonly<Record<number, string>> = {
  1: "what it said stands above",
  2: "it was refused",
  3: "there is no such user",
  4: "the daemon, the capture or an engine cannot be reached",
};

interface Session {
  readonly answers: Answers;
  readonly config: string | undefined;
  readonly palette: Palette;
}

/** @throws {RefusedRequestError} when there is no menu of that name. @throws {SyntaxError} when its file is wrong. */
export async function runMenu(name: string, options: { readonly config?: string }): Promise<void> {
  using answers = new Answers();
  const { config } = options;
  await repeat(name, { answers, config, palette: paletteFor(process.stdout, process.env) });
}

async function repeat(name: string, session: Session): Promise<void> {
  const menu = await load(name);
  while (!session.answers.over) {
    await draw(menu, session);
    const item = await choice(menu, session);
    if (!item) return;
    if (item.opens === "") await carryOut(item, session);
    else await repeat(item.opens, session);
  }
}

async function load(name: string): Promise<Menu> {
  const names = (await readdir(MENUS))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
  if (!names.includes(name)) {
    throw new RefusedRequestError(`Cannot open the menu "${name}": expected one of ${names.join(", ")}`);
  }
  return parseMenu(`menus/${name}.json`, await readFile(`${MENUS}${name}.json`, "utf8"), names);
}

async function draw(menu: Menu, { config, palette }: Session): Promise<void> {
  const { stdout } = process;
  const status = await Promise.all(menu.status.map((line) => statusOf(line, config)));
  const dumb = process.env["TERM"] === "dumb";
  const style = { width: stdout.columns ?? 80, palette, lines: !dumb };
  stdout.write(`${stdout.isTTY && !dumb ? CLEAR : "\n"}${menuText(menu, status, style)}\n\n`);
}

async function statusOf({ label, run }: StatusLine, config: string | undefined): Promise<StatusAnswer> {
  const { status, stdout } = await askCommand(run, config);
  return { label, text: stdout.split("\n")[0] || "unknown", good: status === 0 };
}

/** @returns undefined when the operator leaves. */
async function choice(menu: Menu, { answers }: Session): Promise<MenuItem | undefined> {
  for (;;) {
    const answer = await answers.line(" Select menu : ");
    if (answer === undefined || /^\s*(?:0+|x)\s*$/i.test(answer)) return undefined;
    const key = answer.trim().replace(/^0+(?=\d)/, "");
    const item = menu.items.find((each) => each.key === key);
    if (item) return item;
    process.stdout.write("Invalid option\n");
  }
}

async function carryOut(item: MenuItem, session: Session): Promise<void> {
  const { answers, config, palette } = session;
  process.stdout.write("\n");
  if (item.shows.length > 0) {
    await runCommand(item.shows, config);
    process.stdout.write("\n");
  }
  if (item.says !== "") process.stdout.write(`${item.says}\n`);
  const given = await ask(item.asks, session);
  if (!given || !(await confirmed(item, given, session))) return;
  const live = item.live && process.stdout.isTTY;
  const words = item.run.map((word) => given.get(word) ?? word);
  const ended = await runCommand(item.live && !live ? [...words, "--once"] : words, config);
  const trouble = troubleOf(ended);
  if (trouble !== undefined) process.stdout.write(`${palette.red(trouble)}\n`);
  if (trouble !== undefined || (!live && !ended.interrupted)) {
    await answers.anyKey("Press any key to continue");
  }
}

/** @returns the answers by their placeholders, or undefined when one was left empty or there are no more. */
async function ask(
  questions: readonly Question[],
  session: Session,
): Promise<ReadonlyMap<string, string> | undefined> {
  const given = new Map<string, string>();
  for (const question of questions) {
    const answer = await answerTo(question, session);
    if (answer === undefined) return undefined;
    given.set(`{${question.name}}`, answer);
  }
  return given;
}

/** Asks until the answer will do. */
async function answerTo({ prompt, check }: Question, session: Session): Promise<string | undefined> {
  const { answers, config, palette } = session;
  for (;;) {
    const answer = (await answers.line(prompt))?.trim();
    if (answer === undefined || answer === "") return undefined;
    const refusal =
      refusalOf(check, answer) ?? (check === "user" ? await missing(answer, config) : undefined);
    if (refusal === undefined) return answer;
    process.stdout.write(`${palette.red(printable(refusal))}\n`);
  }
}

/** Why there is no such user. Whatever else went wrong, the command itself will say. */
async function missing(name: string, config: string | undefined): Promise<string | undefined> {
  const { status, stderr } = await askCommand(["sluice", "user", "--json", "--", name], config);
  return status === NO_SUCH_USER ? stderr.trim().replace(/^sluice: /, "") : undefined;
}

async function confirmed(
  { confirm }: MenuItem,
  given: ReadonlyMap<string, string>,
  { answers }: Session,
): Promise<boolean> {
  if (!confirm) return true;
  const answer = (await answers.line(confirm.prompt))?.trim();
  const expected = given.get(confirm.expects);
  if (expected === undefined ? answer?.toLowerCase() === "y" : answer === expected) return true;
  process.stdout.write("Cancelled\n");
  if (answer !== undefined) await answers.anyKey("Press any key to continue");
  return false;
}

/** What went wrong, after the command has said so itself; leaving by Ctrl-C is no trouble. */
function troubleOf({ status, signal, interrupted }: Ended): string | undefined {
  if (status === 0 || interrupted || signal === "SIGINT") return undefined;
  if (status === null) return `The command was ended by ${signal}`;
  return `The command ended with exit status ${status}: ${REASONS[status] ?? REASONS[1]}`;
}

/** The screen from its first line; what scrolled away stays. */
const CLEAR = "\u001b[H\u001b[2J";

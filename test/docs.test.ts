/** The documents name only what is there: commands with their options, files of this repository, settings. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { program } from "../src/faces/cli/program.ts";
import { cekBwLimit } from "../src/faces/legacy/cek-bw-limit.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENTS = globSync(["README.md", "docs/*.md", "CONTRIBUTING.md"], { cwd: ROOT });
const PROGRAMS: Readonly<Record<string, Command>> = { sluice: program(), "cek-bw-limit": cekBwLimit() };

describe.each(DOCUMENTS)("%s", (path) => {
  const text = readFileSync(`${ROOT}/${path}`, "utf8");

  test("names no command or option that is not there", () => {
    const said = commandsIn(text);
    expect(
      said.map((words) => ({ words, why: complaintOf(words) })).filter(({ why }) => why !== undefined),
    ).toEqual([]);
  });

  test("links to no file that is not there", () => {
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target as string);
    expect(targets.filter((target) => !existsSync(new URL(target, `file://${ROOT}/${path}`)))).toEqual([]);
  });
});

test("README names commands, so that the test above tests something", () => {
  expect(commandsIn(readFileSync(`${ROOT}/README.md`, "utf8")).length).toBeGreaterThan(10);
});

test("troubleshooting quotes lines that the program says", () => {
  const text = readFileSync(`${ROOT}/docs/troubleshooting.md`, "utf8");
  const quoted = [...text.matchAll(/^\|[^|]*\| (".*?") \|/gm)]
    .flatMap(([, cell = ""]) => cell.split(/(?<="), (?=")/))
    .flatMap((line) => line.slice(1, -1).split("..."));
  const source = globSync("src/**/*.ts", { cwd: ROOT })
    .map((path) => readFileSync(`${ROOT}/${path}`, "utf8"))
    .join("\n");
  expect(quoted.length).toBeGreaterThan(25);
  expect(quoted.filter((part) => !source.includes(part))).toEqual([]);
});

test("the quick reference has every command", () => {
  const text = readFileSync(`${ROOT}/docs/quick-reference.md`, "utf8");
  const missing = leavesOf(program()).filter((words) => !text.includes(`\`${words}`));
  expect(missing).toEqual([]);
});

/** "sluice limit set" and the like: commands that have no others below them. */
function leavesOf(command: Command): readonly string[] {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== "help");
  if (below.length === 0) return [command.name()];
  return below.flatMap(leavesOf).map((words) => `${command.name()} ${words}`);
}

test("docs/openvpn.md has every name of the environment that is read", () => {
  const text = readFileSync(`${ROOT}/docs/openvpn.md`, "utf8");
  const read = ["src/config-environment.ts", "src/faces/cli/owpanel-stores.ts"].flatMap((path) =>
    [...readFileSync(`${ROOT}/${path}`, "utf8").matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map(([, name]) => name),
  );
  expect(read.length).toBeGreaterThan(9);
  expect(read.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

/** Command lines of ours, in words: those in code, whole up to what ends a shell's command, without what stands in quotes. */
function commandsIn(text: string): readonly (readonly string[])[] {
  const code = [...text.matchAll(/^ {4,}(.*)$|^(?:\$|#) (.*)$|`([^`\n]+)`/gm)].map(
    ([, indented, prompt, inline]) => indented ?? prompt ?? inline ?? "",
  );
  return code
    .flatMap((line) => line.split(/[;|&]+| # |  #/))
    .map((line) =>
      line
        .trim()
        .replace(/^\$ |^sudo /, "")
        .split(/\s+/),
    )
    .filter(([name]) => name !== undefined && name in PROGRAMS);
}

/** What is wrong with it; capitals and examples stand for arguments. */
function complaintOf([name = "", ...words]: readonly string[]): string | undefined {
  let command = PROGRAMS[name] as Command;
  for (const word of words) {
    if (word.startsWith("-")) {
      const known = [...command.options.flatMap(({ short, long }) => [short, long]), "--help", "-h"];
      if (!known.includes(word.replace(/=.*/, ""))) return `${command.name()} has no option ${word}`;
      continue;
    }
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (next) command = next;
    else if (command.commands.length > 0 && command.registeredArguments.length === 0) {
      return `${command.name()} has no command ${word}`;
    }
  }
  return undefined;
}

import { execFile } from "node:child_process";
import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command, Option } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { commandTree } from "../../../src/faces/cli/command-tree.ts";
import { completionScript } from "../../../src/faces/cli/completion.ts";
import { program } from "../../../src/faces/cli/program.ts";
import { needs } from "../../support/requirements.ts";

const missing = needs("bash", "timeout");

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "sluice-completion-"));
  return () => folder.remove();
});

/** What bash offers for a line as far as it is typed, with the users that a `sluice` on PATH tells of. */
async function offers(line: string, { users = "[]", tree = commandTree(program()) } = {}): Promise<string[]> {
  const script = join(folder.path, "completion");
  const sluice = join(folder.path, "sluice");
  await writeFile(script, completionScript(tree));
  await writeFile(sluice, `#!/bin/sh\ncat <<'END'\n${users}\nEND\n`);
  await chmod(sluice, 0o755);
  const { stdout } = await promisify(execFile)(
    "bash",
    [
      "--norc",
      "-c",
      `source "$1"; COMP_LINE=$2 COMP_POINT=\${#2}
       _sluice; ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      script,
      line,
    ],
    { env: { ...process.env, PATH: `${folder.path}:${process.env["PATH"]}` } },
  );
  return stdout.split("\n").filter((each) => each !== "");
}

const USERS = JSON.stringify(
  [{ name: "joe", a: 1 }, { name: "joe@x" }, { name: "$(id)" }, { name: "ann" }],
  null,
  2,
);

describe.skipIf(missing)(`the completion${missing}`, () => {
  test.each([
    ["a command's beginning", "sluice stat", ["status"]],
    ["a sub-command", "sluice limit ", ["set", "remove", "--help"]],
    ["the options of a sub-command", "sluice limit set --p", ["--period"]],
    ["a user, whose name no shell could take for more", "sluice limit set ", ["joe", "joe@x", "ann"]],
    ["the end of a user's name, behind what readline takes for a border", "sluice reset joe@", ["x"]],
    ["options once the user is named", "sluice disable joe --j", ["--json"]],
    ["a user behind the option that asks for one", "sluice events --user a", ["ann"]],
    ["nothing where nobody can guess", "sluice limit set joe 1GB --daily ", []],
    ["nothing for what is no command", "sluice frobnicate x", []],
  ])("offers %s", async (_, line, want) => {
    expect(await offers(line, { users: USERS })).toEqual(want);
  });

  test("offers every command that is not hidden", async () => {
    const known = commandTree(program()).children.map(({ command }) => command.name());
    expect(await offers("sluice ")).toEqual([...known, "--version", "--help"]);
    expect(known).not.toContain("completion");
  });

  test("offers the choices of an option that has some, and files where a file is asked for", async () => {
    const root = new Command("sluice");
    root.command("read <file>").addOption(new Option("--count <rule>").choices(["both", "uplink"]));
    const tree = commandTree(root);
    expect(await offers("sluice read --count u", { tree })).toEqual(["uplink"]);
    expect(await offers(`sluice read ${folder.path}/compl`, { tree })).toEqual([`${folder.path}/completion`]);
  });
});

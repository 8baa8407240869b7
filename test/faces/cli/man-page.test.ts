import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { commandTree } from "../../../src/faces/cli/command-tree.ts";
import { manPage } from "../../../src/faces/cli/man-page.ts";
import { program } from "../../../src/faces/cli/program.ts";
import { needs } from "../../support/requirements.ts";

const missing = needs("groff");
const page = manPage({ tree: commandTree(program()), version: "0.1.0" });

describe("manPage()", () => {
  test("has a heading, its sections in order, and every command with its options", () => {
    expect(page.split("\n")[0]).toBe('.TH SLUICE 8 "" "Sluice 0.1.0" "System administration"');
    expect([...page.matchAll(/^\.SH (.*)$/gm)].map(([, name]) => name)).toEqual([
      ...["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "FILES", "EXIT STATUS", "SEE ALSO"],
    ]);
    expect(page).toContain("\\fBsluice limit set\\fR \\fI<name> <size>\\fR");
    expect(page).toContain("\\fB\\-\\-daily <size>\\fR");
    expect(page).not.toContain("completion");
  });

  test("opens and closes as many indents", () => {
    expect(page.match(/^\.RS$/gm)?.length).toBe(page.match(/^\.RE$/gm)?.length);
  });

  test("lets no text be read as a request", () => {
    const root = new Command("sluice").description("Sluice");
    root.command("odd").description(".so /etc/passwd \\n and 'more");
    const lines = manPage({ tree: commandTree(root), version: "1" }).split("\n");
    expect(lines).toContain("\\&.so /etc/passwd \\en and 'more");
  });

  test.skipIf(missing)(`is read by groff without a warning${missing}`, () => {
    const { stdout, stderr } = spawnSync("groff", ["-man", "-Tutf8", "-ww"], {
      input: page,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(stdout).toContain("SLUICE(8)");
  });
});

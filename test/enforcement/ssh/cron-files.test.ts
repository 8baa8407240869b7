import { describe, expect, test } from "vitest";
import { ownerOfCronFile } from "../../../src/enforcement/ssh/cron-files.ts";

describe("ownerOfCronFile()", () => {
  test.for([
    { name: "one job of his", text: "*/5 * * * * joe /bin/true\n", want: "his" },
    {
      name: "settings and comments around it",
      text: "SHELL=/bin/sh\n# root\nPATH = /bin\n0 5 * * * joe x\n",
      want: "his",
    },
    { name: "a job at boot", text: "@reboot joe /bin/true", want: "his" },
    { name: "tabs between its fields", text: "0\t5\t*\t*\t*\tjoe\tx", want: "his" },
    { name: "his job beside root's", text: "0 5 * * * joe x\n0 5 * * * root reboot\n", want: "shared" },
    { name: "root's job about him", text: "0 5 * * * root userdel joe\n", want: "other" },
    { name: "a name that begins like his", text: "0 5 * * * joe2 x\n", want: "other" },
    { name: "his name in a comment", text: "# joe\n0 5 * * * root x\n", want: "other" },
    { name: "nothing", text: "", want: "other" },
    { name: "a line cut off in front of the user", text: "0 5 * * *", want: "other" },
    { name: "his job and a line cut off", text: "0 5 * * * joe x\n0 5 *\n", want: "shared" },
  ])("says of $name: $want", ({ text, want }) => {
    expect(ownerOfCronFile(text, "joe")).toBe(want);
  });

  test("takes a name for a name, never for a pattern", () => {
    expect(ownerOfCronFile("0 5 * * * axb x\n", "a.b")).toBe("other");
  });
});

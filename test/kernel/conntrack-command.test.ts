import { describe, expect, test } from "vitest";
import { markIn } from "../../src/kernel/conntrack-command.ts";

// As printed by conntrack-tools 1.4.7 for `conntrack -L`.
const ENTRY =
  "tcp      6 431999 ESTABLISHED src=127.0.0.1 dst=127.0.0.1 sport=54424 dport=4000 src=127.0.0.1 dst=127.0.0.1 sport=4000 dport=54424 [ASSURED] mark=1358954504 use=1\n";

describe("markIn()", () => {
  test.for([
    { name: "reads the mark", output: ENTRY, mark: 0x51000008 },
    { name: "reads the highest mark", output: ENTRY.replace("1358954504", "4294967295"), mark: 0xffffffff },
    { name: "reads no mark as 0", output: ENTRY.replace("mark=1358954504", "mark=0"), mark: 0 },
    {
      name: "takes a kernel without marks for one that has 0",
      output: ENTRY.replace(/ mark=\d+/, ""),
      mark: 0,
    },
    { name: "finds no entry in no output", output: "", mark: undefined },
    { name: "reads the first of two", output: ENTRY.replace("1358954504", "7") + ENTRY, mark: 7 },
  ])("$name", ({ output, mark }) => {
    expect(markIn(output)).toBe(mark);
  });
});

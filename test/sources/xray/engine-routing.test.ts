import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { userName } from "../../../src/names.ts";
import { readEngineConfig } from "../../../src/sources/xray/engine-config.ts";
import { rulesAhead } from "../../../src/sources/xray/engine-routing.ts";

const tagged = readEngineConfig(
  readFileSync(new URL("../../fixtures/xray/tagged.json", import.meta.url), "utf8"),
);

describe("rulesAhead()", () => {
  test.for([
    {
      name: "lists rules for anybody and for patterns that may fit, not those for other inbounds",
      user: "alice@example.com",
      want: [2, 4, 5],
    },
    { name: "passes over a rule that leads to a blackhole", user: "bob@example.com", want: [2, 5] },
    { name: "lists a catch-all for the user's own inbound", user: "dave", want: [2, 3, 4, 5] },
    { name: "lists a rule whose pattern JavaScript cannot compile", user: "frank", want: [2, 5] },
    { name: "supposes any inbound for a user the file does not know", user: "newcomer", want: [2, 3, 5] },
  ])("$name", ({ user, want }) => {
    expect(rulesAhead(tagged, userName(user)).map(({ index }) => index)).toEqual(want);
  });

  test("takes a rule's user as a whole name, not as a part or pattern", () => {
    const config = readEngineConfig(
      JSON.stringify({
        inbounds: [{ tag: "in", protocol: "vless", settings: { clients: [{ email: "axb", id: "1" }] } }],
        outbounds: [{ tag: "direct", protocol: "freedom" }],
        routing: {
          rules: ["a.b", "ax", "AXB", "axb"].map((user) => ({ user: [user], outboundTag: "direct" })),
        },
      }),
    );
    expect(rulesAhead(config, userName("axb")).map(({ index }) => index)).toEqual([3]);
  });

  test("passes over rules for tagged inbounds when the user's has none", () => {
    const config = readEngineConfig(
      JSON.stringify({
        inbounds: [{ protocol: "vless", settings: { clients: [{ email: "joe", id: "1" }] } }],
        routing: { rules: [{ inboundTag: ["in"], outboundTag: "direct" }, { outboundTag: "direct" }] },
      }),
    );
    expect(rulesAhead(config, userName("joe")).map(({ index }) => index)).toEqual([1]);
  });
});

test("the rules say what they look at", () => {
  expect(
    tagged.rules.map(({ ruleTag, users, hasOtherMatchers }) => [ruleTag, users.length, hasOtherMatchers]),
  ).toEqual([
    [undefined, 0, false],
    ["block-bob", 1, false],
    [undefined, 0, true],
    [undefined, 0, false],
    [undefined, 1, false],
    [undefined, 1, false],
  ]);
});

import { describe, expect, test } from "vitest";
import { statement } from "../../src/kernel/nft-text.ts";
import type { NftChange } from "../../src/kernel/nftables.ts";

describe("statement()", () => {
  test.for<[change: NftChange, text: string]>([
    [{ kind: "flush-set", set: "gate4" }, "flush set inet t gate4"],
    [
      { kind: "add-element", set: "tunnels", key: { device: "tun0" } },
      'add element inet t tunnels { "tun0" }',
    ],
    [
      { kind: "add-element", set: "gate6", key: { address: "fd00::2" }, value: { quota: "g00000001" } },
      'add element inet t gate6 { fd00::2 : "g00000001" }',
    ],
    [
      { kind: "delete-element", set: "gatenet4", key: { range: ["192.0.2.0", "192.0.2.255"] } },
      "delete element inet t gatenet4 { 192.0.2.0-192.0.2.255 }",
    ],
  ])("says %j as nft does", ([change, text]) => {
    expect(statement("t", change)).toBe(text);
  });
});

import { describe, expect, test } from "vitest";
import { typeOf } from "../../../src/faces/legacy/old-words.ts";
import { userRow } from "../../support/user-row.ts";

describe("typeOf()", () => {
  test.each([
    ["ssh", ["ssh"], []],
    ["ssh", ["ssh", "xray"], ["vless"]],
    ["vmess", ["xray"], ["vmess", "vless"]],
    ["ssws", ["xray", "ssh"], ["shadowsocks"]],
    ["xray", ["xray"], []],
    ["-", [], []],
  ])("says %s of services %s that come by %s", (type, services, protocols) => {
    expect(typeOf(userRow({ name: "joe", services, protocols }))).toBe(type);
  });
});

import { describe, expect, test } from "vitest";
import { switchedText, typeOf } from "../../../src/faces/legacy/old-words.ts";
import { userRow } from "../../support/user-row.ts";

describe("typeOf()", () => {
  test.each([
    ["ssh", ["ssh"], []],
    ["ssh", ["ssh", "xray"], ["vless"]],
    ["vmess", ["xray"], ["vmess", "vless"]],
    ["ssws", ["xray", "ssh"], ["shadowsocks"]],
    ["xray", ["xray"], []],
    ["openvpn", ["openvpn"], []],
    ["ssh", ["openvpn", "ssh"], []],
    ["vless", ["openvpn", "xray"], ["vless"]],
    ["-", [], []],
  ])("says %s of services %s that come by %s", (type, services, protocols) => {
    expect(typeOf(userRow({ name: "joe", services, protocols }))).toBe(type);
  });
});

describe("switchedText()", () => {
  test.each([
    [["ssh"], true, "SSH user joe has been locked"],
    [["xray"], false, "Xray user joe has been enabled"],
    [["xray", "ssh"], true, "SSH user joe has been locked\nXray user joe has been disabled"],
    [["openvpn"], true, "OpenVPN user joe has been disabled"],
    [["ssh", "openvpn"], false, "SSH user joe has been unlocked\nOpenVPN user joe has been enabled"],
    [[], true, "Xray user joe has been disabled"],
  ])("says of services %s, disabled %s: %s", (services, disabled, text) => {
    expect(switchedText("joe", services, disabled)).toBe(text);
  });
});

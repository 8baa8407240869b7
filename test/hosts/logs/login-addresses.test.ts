import { describe, expect, test } from "vitest";
import { LoginAddresses } from "../../../src/hosts/logs/login-addresses.ts";
import type { LoginLine } from "../../../src/logs/login-line.ts";

const login = (user: string, address: string, daemon: LoginLine["daemon"] = "sshd"): LoginLine => ({
  ...{ user, address, daemon, pid: 1, port: 1, method: "password" },
});

describe("LoginAddresses", () => {
  test("tells from where and by which daemon a login came last", () => {
    const addresses = new LoginAddresses();
    expect(addresses.of("joe")).toBeUndefined();
    addresses.note(login("joe", "203.0.113.9"));
    addresses.note(login("amy", "2001:db8::1", "dropbear"));
    expect(addresses.of("joe")).toEqual({ service: "SSH", source: "203.0.113.9" });
    expect(addresses.of("amy")).toEqual({ service: "Dropbear", source: "2001:db8::1" });
    addresses.note(login("joe", "198.51.100.1", "dropbear"));
    expect(addresses.of("joe")).toEqual({ service: "Dropbear", source: "198.51.100.1" });
  });

  test("knows the daemon of a login through a proxy of this host, and no address", () => {
    const addresses = new LoginAddresses();
    addresses.note(login("joe", "203.0.113.9"));
    addresses.note(login("joe", "127.0.0.1", "dropbear"));
    expect(addresses.of("joe")).toEqual({ service: "Dropbear", source: undefined });
  });

  test("keeps 10,000 logins, and those that came lately", () => {
    const addresses = new LoginAddresses();
    for (let index = 0; index < 10_000; index++) addresses.note(login(`user-${index}`, "203.0.113.9"));
    addresses.note(login("user-0", "203.0.113.9"));
    addresses.note(login("one more", "203.0.113.9"));
    expect(addresses.of("user-0")).toBeDefined();
    expect(addresses.of("user-1")).toBeUndefined();
    expect(addresses.of("user-2")).toBeDefined();
    expect(addresses.of("one more")).toBeDefined();
  });

  test("keeps no name that is longer than an account's can be", () => {
    const addresses = new LoginAddresses();
    for (const length of [256, 257]) addresses.note(login("x".repeat(length), "203.0.113.9"));
    expect(addresses.of("x".repeat(256))).toBeDefined();
    expect(addresses.of("x".repeat(257))).toBeUndefined();
  });
});

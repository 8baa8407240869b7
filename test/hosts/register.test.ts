import { describe, expect, test } from "vitest";
import type { Hostname } from "../../src/hosts/hostname.ts";
import { Register } from "../../src/hosts/register.ts";
import type { Service } from "../../src/hosts/sighting.ts";
import { unixTime } from "../../src/units.ts";

const at = unixTime;
const as = (service: Service, seen: number) => ({ service, at: at(seen) });
const named = (name: string) => name as Hostname;
const [A, B, C] = [named("a.example"), named("b.example"), named("c.example")];

describe("Register", () => {
  test("see() tells a new host from one that is known", () => {
    const register = new Register();
    expect([register.see(A, as("SNI", 1)), register.see(A, as("QUIC", 2))]).toEqual([true, false]);
    expect([...register.hosts()]).toEqual([A]);
    expect(register.figuresOf(A)).toEqual({ lastSeen: 2, count: 2, services: ["SNI", "QUIC"], ech: false });
  });

  test("see() does not go back in time", () => {
    const register = new Register();
    register.see(A, as("SNI", 5));
    register.see(A, as("SNI", 3));
    expect(register.figuresOf(A)?.lastSeen).toBe(5);
  });

  test("takes a host for an ECH outer name until it is seen in plain", () => {
    const register = new Register();
    register.see(A, { ...as("SNI", 1), ech: true });
    expect(register.figuresOf(A)?.ech).toBe(true);
    register.see(A, as("SNI", 2));
    expect(register.figuresOf(A)?.ech).toBe(false);
  });

  test("counts to 2^32 - 1 and no further", () => {
    const register = new Register();
    register.restore(A, { lastSeen: at(1), count: 2 ** 32 - 1, services: [], ech: false });
    register.see(A, as("DNS", 2));
    expect(register.figuresOf(A)).toEqual({ lastSeen: 2, count: 2 ** 32 - 1, services: ["DNS"], ech: false });
  });

  test("gives the place of a host that left to another, with nothing of the old one in it", () => {
    const register = new Register();
    for (const host of [A, B]) register.see(host, as("SNI", 7));
    expect([register.forget(A), register.forget(A)]).toEqual([true, false]);
    register.see(C, as("IP", 1));
    expect(register.figuresOf(A)).toBeUndefined();
    expect(register.figuresOf(B)).toEqual({ lastSeen: 7, count: 1, services: ["SNI"], ech: false });
    expect(register.figuresOf(C)).toEqual({ lastSeen: 1, count: 1, services: ["IP"], ech: false });
  });

  test("keeps thousands apart through growth, leaving and coming back", () => {
    const register = new Register();
    const hosts = Array.from({ length: 5_000 }, (_, index) => named(`h${index}.example`));
    hosts.forEach((host, index) => register.see(host, as("SNI", index)));
    for (const host of hosts.slice(0, 2_000)) register.forget(host);
    hosts.slice(0, 3_000).forEach((host, index) => register.see(host, as("QUIC", 10_000 + index)));
    expect(register.size).toBe(5_000);
    expect(register.figuresOf(named("h0.example"))).toEqual({
      lastSeen: 10_000,
      count: 1,
      services: ["QUIC"],
      ech: false,
    });
    expect(register.figuresOf(named("h2999.example"))?.count).toBe(2);
    expect(register.longestUnseen(2)).toEqual(["h3000.example", "h3001.example"]);
    expect(register.unseenSince(at(3_002))).toEqual(["h3000.example", "h3001.example"]);
  });
});

import { readFileSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Hostname } from "../../src/hosts/hostname.ts";
import { Register } from "../../src/hosts/register.ts";
import { readSeen, writeSeen } from "../../src/hosts/seen-file.ts";
import { unixTime } from "../../src/units.ts";

const [A, B, C] = ["a.example", "b.example", "c.example"].map((name) => name as Hostname) as [
  Hostname,
  Hostname,
  Hostname,
];

/** Of hosts known by their lines, at 5,000 ms, what a file with this content makes. */
async function readInto(content: string, ...hosts: readonly Hostname[]): Promise<Register> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-seen-"));
  const path = join(folder.path, "seen");
  writeFileSync(path, content);
  const register = new Register();
  for (const host of hosts)
    register.restore(host, { lastSeen: unixTime(5_000), count: 0, services: ["SSH"], ech: false });
  await readSeen(path, register);
  return register;
}

describe("writeSeen()", () => {
  test("writes what readSeen() gives back to hosts that are still known", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-seen-"));
    const path = join(folder.path, "seen");
    const register = new Register();
    register.see(A, { service: "SNI", at: unixTime(9_999), ech: true });
    register.see(A, { service: "QUIC", at: unixTime(9_999), ech: true });
    register.see(B, { service: "IP", at: unixTime(8_000) });
    await writeSeen(path, register);
    const text = readFileSync(path, "latin1");
    expect(text).toBe("# hosts seen, version 1\na.example|9|2|SNI,QUIC,ech\nb.example|8|1|IP\n");
    const again = await readInto(text, A, C);
    expect(again.figuresOf(A)).toEqual({ lastSeen: 9_000, count: 2, services: ["SNI", "QUIC"], ech: true });
    expect(again.has(B)).toBe(false);
    expect(again.figuresOf(C)?.services).toEqual(["SSH"]);
  });
});

describe("readSeen()", () => {
  test.for([
    ["a.example|2|7|SNI", { lastSeen: 5_000, count: 7, services: ["SNI"], ech: false }], // older than the line
    ["a.example|1e400|7|SNI", { lastSeen: 5_000, count: 7, services: ["SNI"], ech: false }],
    ["a.example|6|many|what,SNI,", { lastSeen: 6_000, count: 0, services: ["SNI"], ech: false }],
    ["a.example", { lastSeen: 5_000, count: 0, services: [], ech: false }],
    ["a\u0000b|6|1|SNI", { lastSeen: 5_000, count: 0, services: ["SSH"], ech: false }],
  ] as const)("makes the best of %j", async ([line, figures]) => {
    const register = await readInto(`# hosts seen, version 1\n${line}\n`, A);
    expect(register.figuresOf(A)).toEqual(figures);
  });
});

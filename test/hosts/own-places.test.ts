import { execFileSync } from "node:child_process";
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { addressBytes } from "../../src/addresses.ts";
import type { Hostname } from "../../src/hosts/hostname.ts";
import { OwnPlaces } from "../../src/hosts/own-places.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const has = (own: OwnPlaces, name: string) => own.has(name as Hostname);
const missing = needs("root", "ip");

describe("OwnPlaces", () => {
  test("knows names of the settings and of the files that set-up scripts leave", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-own-"));
    const [domain, conf, binary] = ["domain", "ipvps.conf", "binary"].map((name) => join(folder.path, name));
    writeFileSync(domain ?? "", "VPN.Example.org\r\n");
    writeFileSync(conf ?? "", ' IP="relay.example.net"\nMYIP=8.8.4.4\n\n# nothing\nIP=\n');
    writeFileSync(binary ?? "", Buffer.alloc(1_000, "\xff\n"));
    const own = new OwnPlaces(
      ["own.example"],
      [domain ?? "", conf ?? "", binary ?? "", "/nonexistent/domain"],
    );
    for (const name of ["own.example", "vpn.example.org", "relay.example.net", "8.8.4.4"]) {
      expect([name, has(own, name)]).toEqual([name, true]);
    }
    for (const name of ["www.own.example", "example.org", "8.8.8.8"]) expect(has(own, name)).toBe(false);
    expect([own.domain, own.address]).toEqual(["own.example", "8.8.4.4"]);
  });

  test("refresh() keeps what a file said that cannot be read, and forgets one that is gone", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-own-"));
    const path = join(folder.path, "domain");
    writeFileSync(path, "own.example\n");
    const own = new OwnPlaces([], [path]);
    rmSync(path);
    mkdirSync(path); // EISDIR, for root too
    own.refresh();
    expect(has(own, "own.example")).toBe(true);
    rmdirSync(path);
    own.refresh();
    expect(has(own, "own.example")).toBe(false);
  });

  test("refresh() finds a domain that was changed", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-own-"));
    const path = join(folder.path, "domain");
    writeFileSync(path, "old.example\n");
    const own = new OwnPlaces([], [path]);
    writeFileSync(path, "new.example\n");
    own.refresh();
    expect([has(own, "old.example"), has(own, "new.example")]).toEqual([false, true]);
  });

  test.for([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["::2", false],
    ["1.2.3.4", false],
  ] as const)("hasAddress() of %s: %s", ([address, expected]) => {
    expect(new OwnPlaces([], []).hasAddress(addressBytes(address))).toBe(expected);
  });

  describe.skipIf(missing)(`on interfaces${missing}`, () => {
    beforeAll(async () => {
      enterOwnNetwork();
      const ip = (...words: readonly string[]) => execFileSync("ip", words, { timeout: 5_000 });
      for (const [name, address] of [
        ["tun7", "10.8.0.1/20"],
        ["tap7", "fd08::1/60"],
        ["eth7", "5.6.7.8/24"],
      ] as const) {
        ip("link", "add", name, "type", "veth", "peer", "name", `${name}-peer`);
        ip("address", "add", address, "dev", name, ...(address.includes(":") ? ["nodad"] : []));
        for (const end of [name, `${name}-peer`]) ip("link", "set", end, "up");
        // The kernel takes a moment to notice that the other end is there.
        await until(`${name} runs`, () => networkInterfaces()[name] !== undefined);
      }
    });

    test("knows its addresses, and those of clients behind tunnels", () => {
      const own = new OwnPlaces([], []);
      for (const address of ["10.8.0.1", "fd08::1", "5.6.7.8"]) {
        expect([address, own.hasAddress(addressBytes(address))]).toEqual([address, true]);
      }
      expect(has(own, "5.6.7.8")).toBe(true);
      expect(own.address).toBe("5.6.7.8");
      for (const [address, tunnelled] of [
        ["10.8.0.2", true],
        ["10.8.15.255", true],
        ["10.8.16.0", false],
        ["10.7.255.255", false],
        ["10.8.0.1", false], // this host itself
        ["fd08:0:0:f::2", true],
        ["fd08:0:0:10::2", false],
        ["5.6.7.9", false],
      ] as const) {
        expect([address, own.isTunnelled(addressBytes(address))]).toEqual([address, tunnelled]);
      }
    });
  });
});

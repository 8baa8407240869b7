/** What is shown to whom, and the small shapes between the sources and the wire. */
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import type { SshLoginRow } from "../../../../src/control/rows.ts";
import { filteredHosts, hostsCsv, hostsText } from "../../../../src/faces/web/api/host-filter.ts";
import { measureLatency } from "../../../../src/faces/web/api/latency.ts";
import { chosenAddresses } from "../../../../src/faces/web/api/own-address.ts";
import { startIn, startOfProcess } from "../../../../src/faces/web/api/process-start.ts";
import { Remembered } from "../../../../src/faces/web/api/remembered.ts";
import {
  filteredSessions,
  openvpnSession,
  pastSession,
  sshSession,
} from "../../../../src/faces/web/api/session-rows.ts";
import { addressViewOf } from "../../../../src/faces/web/api/shown-address.ts";
import { usageSpan } from "../../../../src/faces/web/api/usage-span.ts";
import type { Range } from "../../../../src/faces/web/wire.ts";
import { unixTime } from "../../../../src/units.ts";

const VIEWER = { name: "v", role: "viewer", scopes: undefined, key: "v" } as const;
const ADMIN = { ...VIEWER, role: "admin" } as const;
const TOKEN = { ...VIEWER, scopes: ["read"] } as const;

describe("addressViewOf()", () => {
  const seen = addressViewOf(VIEWER);

  test.each([
    ["203.0.113.77", "203.0.113.0"],
    ["2001:db8:1:2::3", "2001:db8:1::"],
    ["::ffff:203.0.113.77", "203.0.113.0"],
    ["", ""],
    ["a name", ""],
  ])("shows a viewer %j as %j", (address, shown) => {
    expect(seen.address(address)).toBe(shown);
  });

  test.each([
    ["203.0.113.77:49890", "203.0.113.0"],
    ["[2001:db8:1:2::3]:1194", "2001:db8:1::"],
    ["2001:db8:1:2::3", "2001:db8:1::"],
  ])("shows a viewer the endpoint %j as %j", (endpoint, shown) => {
    expect(seen.endpoint(endpoint)).toBe(shown);
  });

  test.each([
    ["bea signed in from 203.0.113.77.", "bea signed in from 203.0.113.0."],
    ["from:203.0.113.77:49890, and 198.51.100.9", "from:203.0.113.0, and 198.51.100.0"],
    ["[2001:db8:1:2::3]:1194 went", "[2001:db8:1::]:1194 went"],
    [
      "at 12:04:05 a face was seen 1.2.3 times: 300.1.1.1",
      "at 12:04:05 a face was seen 1.2.3 times: 300.1.1.1",
    ],
  ])("shows a viewer the sentence %j as %j", (sentence, shown) => {
    expect(seen.text(sentence)).toBe(shown);
  });

  test.each([ADMIN, TOKEN])("shows an admin and a token everything", (who) => {
    const view = addressViewOf(who);
    const line = "203.0.113.77:49890";
    expect([view.address(line), view.endpoint(line), view.text(line)]).toEqual([line, line, line]);
  });
});

describe("usageSpan()", () => {
  /** 2026-11-21T21:07:08Z: past midnight in Tehran. */
  const now = unixTime(Date.UTC(2026, 10, 21, 21, 7, 8));

  test.each<[Range, number, string, number | string, number | string]>([
    ["24h", 300, "5 minutes", Date.UTC(2026, 10, 20, 21, 10), Date.UTC(2026, 10, 21, 21, 10)],
    ["7d", 3_600, "hour", Date.UTC(2026, 10, 14, 22), Date.UTC(2026, 10, 21, 22)],
    ["30d", 86_400, "day", "2026-10-24", "2026-11-23"],
    ["12m", 86_400, "day", "2025-11-23", "2026-11-23"],
  ])("%s ends with what is now", (range, stepS, per, since, until) => {
    expect(usageSpan(range, now, "Asia/Tehran")).toEqual({ stepS, span: { per, since, until } });
  });
});

describe("sessions", () => {
  const countryOf = (address: string) => (address === "203.0.113.7" || address === "2001:db8::7" ? "DE" : "");
  const openvpn = {
    ...{ server: "one", user: "bea", commonName: "bea", clientId: 3, realAddress: "203.0.113.7:4000" },
    ...{
      addresses: ["10.8.0.2"],
      subnets: [],
      sinceMs: 5_000,
      uplinkBytes: 1,
      downlinkBytes: 2,
      denied: true,
    },
  };
  const ssh = {
    ...{
      account: "joe",
      daemon: "dropbear" as const,
      pid: 42,
      address: "2001:db8::7",
      port: 99,
      sinceMs: 6_000,
    },
    denied: false,
  } satisfies SshLoginRow;
  const past = {
    ...{ id: "x", account: "joe", service: "ssh", keeper: "sshd", began: 1_000, ended: 2_000, exact: false },
    ...{ realAddress: "203.0.113.7:1", address4: "", address6: "", up: 0, down: 0 },
  };
  const rows = [pastSession(past, countryOf), openvpnSession(openvpn, countryOf), sshSession(ssh, countryOf)];

  test("of OpenVPN have bytes, those of SSH have none", () => {
    expect(rows[1]).toMatchObject({
      account: "bea",
      keeper: "openvpn:one",
      uplink: 1,
      downlink: 2,
      country: "DE",
    });
    expect(rows[1]).toMatchObject({ began: 5_000, ended: null, denied: true, addresses: ["10.8.0.2"] });
    expect(rows[2]).toMatchObject({
      realAddress: "[2001:db8::7]:99",
      uplink: null,
      downlink: null,
      country: "DE",
    });
    expect(rows[0]).toMatchObject({ ended: 2_000, uplink: null, addresses: [], country: "DE" });
    expect(pastSession({ ...past, service: "openvpn", up: 7, address6: "fd00::2" }, countryOf)).toMatchObject(
      {
        ...{ uplink: 7, addresses: ["fd00::2"] },
      },
    );
    expect(sshSession({ ...ssh, address: "", port: 0 }, countryOf).realAddress).toBe("");
  });

  test.each([
    ["are newest first", {}, ["joe", "bea", "joe"]],
    ["of an account", { account: "bea" }, ["bea"]],
    ["of a service", { service: "ssh" }, ["joe", "joe"]],
    ["that began before", { until: 6_000 }, ["bea", "joe"]],
    ["no more than asked for", { limit: 1 }, ["joe"]],
  ])("%s", (_, filter, accounts) => {
    expect(filteredSessions(rows, { limit: 10, ...filter }).map(({ account }) => account)).toEqual(accounts);
  });
});

describe("hosts", () => {
  const entry = (host: string, time: string, service = "TLS", source = "192.0.2.1") => ({
    host,
    service,
    source,
    time,
  });
  const HOSTS = [
    entry("b.example.com", "2026-11-21 10:00:00"),
    entry("a.example.com", "2026-11-21 10:00:00", "HTTP"),
    entry("c.example.org", "2026-11-21 11:00:00", "TLS", "192.0.2.2"),
  ];

  test.each([
    ["newest first, then by name", {}, ["c.example.org", "a.example.com", "b.example.com"]],
    ["part of a name in any case", { q: "EXAMPLE.C" }, ["a.example.com", "b.example.com"]],
    ["a service", { service: "HTTP" }, ["a.example.com"]],
    ["a source", { source: "192.0.2.2" }, ["c.example.org"]],
  ])("are shown %s", (_, filter, names) => {
    expect(filteredHosts(HOSTS, filter).map(({ host }) => host)).toEqual(names);
  });

  test("are exported as hosts.log has them, and as CSV", () => {
    const one = [entry('a"b,c', "2026-11-21 10:00:00")];
    expect(hostsText(one)).toBe('a"b,c|TLS|192.0.2.1|2026-11-21 10:00:00\n');
    expect(hostsCsv(one)).toBe(
      '"host","service","source","time"\r\n"a""b,c","TLS","192.0.2.1","2026-11-21 10:00:00"\r\n',
    );
  });
});

describe("chosenAddresses()", () => {
  const NONE = { localAddress: null, publicAddress: null };
  const face = (name: string, address: string, internal = false) => ({ name, address, internal });
  const FACES = [
    face("lo", "127.0.0.1", true),
    face("tun0", "198.51.100.200"),
    face("eth0", "2001:db8::5"),
    face("eth0", "10.0.0.5"),
    face("eth1", "198.51.100.5"),
  ];
  const nothing = { file: "/etc/myipvps", text: "" };

  test.each([
    [
      "those of the settings",
      { localAddress: "10.9.9.9", publicAddress: "203.0.113.1" },
      "",
      ["10.9.9.9", "203.0.113.1", "settings"],
    ],
    ["what a script left", NONE, "# mine\nIP=203.0.113.2\n", ["10.0.0.5", "203.0.113.2", "/etc/myipvps"]],
    [
      "an interface's public one, IPv4 first, no tunnel's",
      NONE,
      "\u0000 rubbish",
      ["10.0.0.5", "198.51.100.5", "eth1"],
    ],
  ])("are %s", (_, configured, text, [localAddress, publicAddress, publicFrom]) => {
    expect(chosenAddresses(configured, { ...nothing, text }, FACES)).toEqual({
      ...{ localAddress, publicAddress, publicFrom },
    });
  });

  test("are empty where there are none", () => {
    expect(chosenAddresses(NONE, nothing, [face("lo", "127.0.0.1", true)])).toEqual({
      ...{ localAddress: "", publicAddress: "", publicFrom: "" },
    });
  });
});

describe("Remembered", () => {
  test("asks once for all who want it, anew after its time, and after a failure at once", async () => {
    let now = 100;
    let asked = 0;
    const answer = new Remembered(
      10,
      () => now,
      async () => {
        asked++;
        if (asked === 2) throw new Error("not now");
        return asked;
      },
    );
    expect(await Promise.all([answer.get(), answer.get()])).toEqual([1, 1]);
    now = 109;
    expect(await answer.get()).toBe(1);
    now = 110;
    await expect(answer.get()).rejects.toThrow("not now");
    expect(await answer.get()).toBe(3);
    now = 50; // the clock was set back
    expect(await answer.get()).toBe(4);
  });
});

describe("measureLatency()", () => {
  test("tells how long a connection took, or why there is none", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const host = "127.0.0.1";
    expect(await measureLatency({ host, port })).toEqual({
      ...{ target: `127.0.0.1:${port}`, ms: expect.any(Number), trouble: "" },
    });
    await new Promise((resolve) => server.close(resolve));
    expect(await measureLatency({ host, port })).toEqual({
      ...{ target: `127.0.0.1:${port}`, ms: null, trouble: expect.stringContaining("ECONNREFUSED") },
    });
  });
});

describe("startOfProcess()", () => {
  test("is the boot's moment and the ticks since, whatever the process calls itself", () => {
    const fields = Array.from({ length: 19 }, (_, index) => index).join(" ");
    expect(startIn(`7 (a) b) ${fields} 250 9`, "cpu 1\nbtime 1000\n")).toBe(1_002_000);
    expect(startIn("rubbish", "btime 1000\n")).toBeUndefined();
  });

  test("is known of ourselves, and of no process that is not there", async () => {
    const began = Date.now() - process.uptime() * 1000;
    expect(Math.abs(((await startOfProcess(process.pid)) ?? 0) - began)).toBeLessThan(5_000);
    expect(await startOfProcess(0)).toBeUndefined();
    expect(await startOfProcess(2 ** 22 + 1)).toBeUndefined();
  });
});

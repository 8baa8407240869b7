import { describe, expect, test } from "vitest";
import { parseSettings, type Settings } from "../src/config.ts";
import type { Environment } from "../src/config-environment.ts";
import { InvalidSettingsError } from "../src/errors.ts";
import { milliseconds } from "../src/units.ts";

function parse(input: unknown, environment: Environment = {}): Settings {
  return parseSettings("c.json", input, environment, "UTC");
}

function problemsOf(input: unknown, environment: Environment): readonly string[] {
  try {
    parse(input, environment);
  } catch (error) {
    if (error instanceof InvalidSettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("withEnvironment() overrides", () => {
  const two = {
    openvpn: [
      { name: "a", management: "/a" },
      { name: "b", management: "/b" },
    ],
  };

  test.for([
    { name: "OPENVPN_UDS_SOCKET", value: "/run/x.sock", first: { management: "/run/x.sock" }, second: {} },
    {
      name: "OPENVPN_UDS_SOCKET",
      value: "127.0.0.1:7505",
      first: { management: "127.0.0.1:7505" },
      second: {},
    },
    { name: "OPENVPN_STATUS_LOG", value: "/var/status", first: { statusFile: "/var/status" }, second: {} },
    {
      name: "BYTECOUNT_INTERVAL",
      value: "1",
      first: { bytecountInterval: 1000 },
      second: { bytecountInterval: 1000 },
    },
    {
      name: "RECONCILE_INTERVAL",
      value: "60",
      first: { reconcileInterval: 60_000 },
      second: { reconcileInterval: 60_000 },
    },
    {
      name: "MONITOR_INTERVAL",
      value: "30",
      first: { monitorInterval: 30_000 },
      second: { monitorInterval: 30_000 },
    },
    {
      name: "QUOTA_BUFFER_BYTES",
      value: "20971520",
      first: { quotaBuffer: 20_971_520 },
      second: { quotaBuffer: 20_971_520 },
    },
  ])("the OpenVPN servers by $name=$value", ({ name, value, first, second }) => {
    const before = parse(two);
    const [a, b] = before.openvpn;
    expect(parse(two, { [name]: value })).toEqual({
      ...before,
      openvpn: [
        { ...a, ...first },
        { ...b, ...second },
      ],
    });
  });

  test.for([
    { name: "OPENVPN_MONITOR_TZ", value: "Europe/Bucharest", want: { timeZone: "Europe/Bucharest" } },
    { name: "MAX_LOG_SIZE", value: "65536", want: { maxLogSize: 65_536 } },
  ])("the whole by $name=$value", ({ name, value, want }) => {
    expect(parse({}, { [name]: value })).toEqual({ ...parse({}), ...want });
  });

  test("the history by DB_FLUSH_INTERVAL, and not the books", () => {
    const settings = parse({}, { DB_FLUSH_INTERVAL: "5" });
    expect(settings.history?.flush).toBe(milliseconds(5000));
    expect(settings.flush).toBe(milliseconds(2000));
  });

  test("nothing by an empty value, or one that speaks of a part that is off", () => {
    expect(parse({}, { MAX_LOG_SIZE: "", BYTECOUNT_INTERVAL: undefined, TZ: "x" })).toEqual(parse({}));
    const off = { openvpn: null, history: null };
    expect(parse(off, { OPENVPN_UDS_SOCKET: "/x", DB_FLUSH_INTERVAL: "5" })).toEqual(parse(off));
  });

  test.for([
    {
      name: "OPENVPN_UDS_SOCKET",
      value: "ovpn.sock",
      problem: 'Cannot read an address: expected "/path" or "host:port", got "ovpn.sock"',
    },
    {
      name: "OPENVPN_STATUS_LOG",
      value: "status.log",
      problem: 'expected an absolute path, got "status.log"',
    },
    { name: "BYTECOUNT_INTERVAL", value: "0", problem: 'expected 1 to 3600 seconds, got "0"' },
    { name: "RECONCILE_INTERVAL", value: "5m", problem: 'expected 1 to 86400 seconds, got "5m"' },
    { name: "MONITOR_INTERVAL", value: "-1", problem: 'expected 1 to 3600 seconds, got "-1"' },
    { name: "DB_FLUSH_INTERVAL", value: "1e3", problem: 'expected 1 to 3600 seconds, got "1e3"' },
    {
      name: "QUOTA_BUFFER_BYTES",
      value: "9007199254740992",
      problem: 'expected 0 to 9007199254740991 bytes, got "9007199254740992"',
    },
    { name: "MAX_LOG_SIZE", value: "65535", problem: 'expected 65536 to 1099511627776 bytes, got "65535"' },
    {
      name: "OPENVPN_MONITOR_TZ",
      value: "Nowhere",
      problem:
        'Cannot use "Nowhere" as a time zone: expected an IANA name such as "Europe/Bucharest", "Asia/Jakarta" or "UTC"',
    },
  ])("not by $name=$value", ({ name, value, problem }) => {
    expect(problemsOf({}, { [name]: value })).toEqual([`environment ${name}: ${problem}`]);
  });

  test("but not into one socket for two servers", () => {
    expect(problemsOf(two, { OPENVPN_UDS_SOCKET: "/b" })).toEqual([
      `openvpn[1].management: expected one of its own, got openvpn[0]'s "/b"`,
    ]);
  });
});

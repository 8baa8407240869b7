import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadSettings, parseSettings, type Settings } from "../src/config.ts";
import type { Environment } from "../src/config-environment.ts";
import { InvalidSettingsError } from "../src/errors.ts";

function parse(input: unknown, environment: Environment = {}, systemZone = "Asia/Jakarta"): Settings {
  return parseSettings("c.json", input, environment, systemZone);
}

function problemsOf(input: unknown, environment: Environment = {}, systemZone = "UTC"): readonly string[] {
  try {
    parse(input, environment, systemZone);
  } catch (error) {
    if (error instanceof InvalidSettingsError) return error.problems;
    throw error;
  }
  return [];
}

/** The example of the manual: every key, with its default. */
const EVERY_DEFAULT = {
  mode: "enforce",
  state_directory: "/etc/myvpn",
  runtime_directory: "/run/sluice",
  log_directory: "/var/log/sluice",
  data_directory: "/var/lib/sluice",
  time_zone: "system",
  tick_ms: 10,
  pace: "adaptive",
  max_period_ms: 1000,
  flush_ms: 2000,
  usage_files_ms: 10000,
  line_rate_mbps: "auto",
  count: "both",
  period: "never",
  warn_percent: [80, 95],
  usage_file_mode: "0640",
  aliases: {},
  xray: { api: "127.0.0.1:10085", config: "auto", access_log: "auto", service: "xray.service" },
  ssh: {
    backend: "auto",
    min_uid: 1000,
    on_limit: "delete",
    protected: [],
    delete_quiet_s: 600,
    archive_home: false,
    shells: [],
    auth_log: "auto",
    legacy_directory: null,
    public_directory: null,
  },
  openvpn: [{ name: "server", management: "/run/openvpn/ovpn-mgmt.sock", status_file: null }],
  hosts: {
    interfaces: ["any"],
    direction: "both",
    dns: false,
    nginx_access: [
      { path: "/var/log/nginx/access.log", format: "combined" },
      { path: "/var/log/nginx/vps-access.log", format: "combined" },
      { path: "/var/log/nginx/proxy-capture.log", format: "proxy_capture" },
    ],
    nginx_error: ["/var/log/nginx/error.log"],
    own_domains: [],
    max_hosts: 100000,
    per_account: false,
    retention_days: 90,
  },
  history: { minutes_days: 30, hours_days: 730, sessions_days: 365, connections_days: 7 },
  connections: { ports: "auto", period_s: 5 },
  web: { listen: "127.0.0.1:8787", may_delete: false },
  geoip: { path: "auto" },
  fleet: null,
};

describe("parseSettings() with defaults", () => {
  test("fills in every one of them for an empty file", () => {
    expect(parse({})).toEqual({
      path: "c.json",
      mode: "enforce",
      stateDirectory: "/etc/myvpn",
      runtimeDirectory: "/run/sluice",
      logDirectory: "/var/log/sluice",
      dataDirectory: "/var/lib/sluice",
      timeZone: "Asia/Jakarta",
      tick: 10,
      pace: "adaptive",
      maxPeriod: 1000,
      flush: 2000,
      usageFiles: 10_000,
      lineRateMbps: "auto",
      count: "both",
      period: { kind: "never" },
      warnPercent: [80, 95],
      usageFileMode: 0o640,
      aliases: new Map(),
      maxLogSize: 10 * 1024 * 1024,
      xray: [
        {
          name: "xray",
          api: "127.0.0.1:10085",
          config: "auto",
          accessLog: "auto",
          service: "xray.service",
          gates: "auto",
        },
      ],
      ssh: {
        backend: "auto",
        minUid: 1000,
        onLimit: "delete",
        protected: [],
        deleteQuiet: 600_000,
        archiveHome: false,
        ...{ shells: [], authLog: "auto", legacyDirectory: null, publicDirectory: null },
      },
      openvpn: [
        {
          name: "openvpn:server",
          management: "/run/openvpn/ovpn-mgmt.sock",
          ...{ passwordFile: null, statusFile: null, config: "auto", usersBy: "common-name", gates: "auto" },
          ...{ return: "retry", backoff: 60_000, clientAuth: false, releaseHold: false },
          ...{ passThrough: "read", withoutList: "allow" },
          reconcileInterval: 30_000,
          quotaBuffer: 0,
        },
      ],
      hosts: {
        interfaces: ["any"],
        direction: "both",
        dns: false,
        nginxAccess: [
          { path: "/var/log/nginx/access.log", format: "combined" },
          { path: "/var/log/nginx/vps-access.log", format: "combined" },
          { path: "/var/log/nginx/proxy-capture.log", format: "proxy_capture" },
        ],
        nginxError: ["/var/log/nginx/error.log"],
        ownDomains: [],
        maxHosts: 100_000,
        perAccount: false,
        retentionDays: 90,
      },
      history: {
        ...{ minutesDays: 30, hoursDays: 730, sessionsDays: 365, connectionsDays: 7, eventsDays: 365 },
        flush: 30_000,
      },
      connections: { ports: "auto", interfaces: [], period: 5000, firewallLog: null, bpftrace: false },
      web: {
        ...{ listen: { host: "127.0.0.1", port: 8787 }, mayDelete: false, tls: null },
        ...{ trustedProxies: [], corsOrigins: [], idle: 3_600_000, longest: 604_800_000 },
        ...{ metricsUsers: false, localAddress: null, publicAddress: null, latencyTarget: null },
      },
      geoip: { path: "auto" },
      fleet: null,
    });
  });

  test("takes a file that spells them all out for an empty one", () => {
    expect(parse(EVERY_DEFAULT)).toEqual(parse({}));
  });

  test("takes a section that spells nothing out for an absent one", () => {
    const sections = {
      xray: {},
      ssh: {},
      openvpn: [{}],
      hosts: {},
      history: {},
      connections: {},
      web: {},
      geoip: {},
    };
    expect(parse(sections)).toEqual(parse({}));
  });
});

describe("parseSettings() with null", () => {
  test.for([
    { section: "xray", off: [] },
    { section: "ssh", off: null },
    { section: "openvpn", off: [] },
    { section: "hosts", off: null },
    { section: "history", off: null },
    { section: "connections", off: null },
    { section: "web", off: null },
    { section: "geoip", off: null },
    { section: "fleet", off: null },
  ] as const)("switches $section off, and nothing else", ({ section, off }) => {
    expect(parse({ [section]: null })).toEqual({ ...parse({}), [section]: off });
  });

  test("does without a service, an access log, a config and a status file", () => {
    const settings = parse({
      xray: { config: null, access_log: null, service: null },
      openvpn: [{ status_file: null }],
    });
    expect(settings.xray[0]).toMatchObject({ config: null, accessLog: null, service: null });
    expect(settings.openvpn[0]?.statusFile).toBeNull();
  });

  test.for(["mode", "tick_ms", "state_directory", "time_zone", "warn_percent", "aliases", "usage_file_mode"])(
    "refuses it for %s, which has no off",
    (key) => {
      expect(problemsOf({ [key]: null })).toEqual([expect.stringMatching(`^${key}: expected .*, got null$`)]);
    },
  );
});

describe("parseSettings() takes", () => {
  test.for([
    { name: "the fastest tick", input: { tick_ms: 5 }, want: { tick: 5 } },
    { name: "the slowest tick", input: { tick_ms: 1000 }, want: { tick: 1000 } },
    {
      name: "a longest period of one tick",
      input: { tick_ms: 20, max_period_ms: 20 },
      want: { tick: 20, maxPeriod: 20 },
    },
    {
      name: "the least and the most of spans",
      input: { flush_ms: 100, usage_files_ms: 600_000 },
      want: { flush: 100, usageFiles: 600_000 },
    },
    { name: "observing", input: { mode: "observe" }, want: { mode: "observe" } },
    { name: "a look at every tick", input: { pace: "every-tick" }, want: { pace: "every-tick" } },
    { name: "uplink alone, as the shell scripts", input: { count: "uplink" }, want: { count: "uplink" } },
    {
      name: "a day of the month",
      input: { period: "monthly:31" },
      want: { period: { kind: "monthly", day: 31 } },
    },
    { name: "a rolling period", input: { period: "30d" }, want: { period: { kind: "rolling", days: 30 } } },
    {
      name: "warnings in any order",
      input: { warn_percent: [99, 1, 50] },
      want: { warnPercent: [1, 50, 99] },
    },
    { name: "no warnings", input: { warn_percent: [] }, want: { warnPercent: [] } },
    { name: "the tightest file mode", input: { usage_file_mode: "0600" }, want: { usageFileMode: 0o600 } },
    {
      name: "the widest file mode, without its zero",
      input: { usage_file_mode: "666" },
      want: { usageFileMode: 0o666 },
    },
    { name: "a line rate", input: { line_rate_mbps: 1_000_000 }, want: { lineRateMbps: 1_000_000 } },
    {
      name: "a zone by name",
      input: { time_zone: "Europe/Bucharest" },
      want: { timeZone: "Europe/Bucharest" },
    },
    {
      name: "aliases",
      input: { aliases: { "joe@x": "joe", "1.joe": "joe" } },
      want: {
        aliases: new Map([
          ["joe@x", "joe"],
          ["1.joe", "joe"],
        ]),
      },
    },
    {
      name: "an address of the web by IPv6",
      input: { web: { listen: "[::1]:443" } },
      want: { web: expect.objectContaining({ listen: { host: "::1", port: 443 } }) },
    },
    {
      name: "ports",
      input: { connections: { ports: [443, 65535] } },
      want: { connections: expect.objectContaining({ ports: [443, 65_535], period: 5000 }) },
    },
    {
      name: "own domains in any case",
      input: { hosts: { own_domains: ["VPN.Example.org"] } },
      want: { hosts: expect.objectContaining({ ownDomains: ["vpn.example.org"] }) },
    },
    {
      name: "logs of nginx in formats of the operator's own",
      input: {
        hosts: {
          nginx_access: [{ path: "/a.log", format: '$host "$request"' }, { path: "/b.log" }],
          nginx_error: [],
          dns: true,
        },
      },
      want: {
        hosts: expect.objectContaining({
          nginxAccess: [
            { path: "/a.log", format: '$host "$request"' },
            { path: "/b.log", format: "combined" },
          ],
          nginxError: [],
          dns: true,
        }),
      },
    },
    {
      name: "a fleet",
      input: { fleet: { redis: "rediss://:secret@10.0.0.1:6380/2" } },
      want: { fleet: { redis: "rediss://:secret@10.0.0.1:6380/2" } },
    },
    {
      name: "logins to protect",
      input: { ssh: { protected: ["admin"], delete_quiet_s: 0 } },
      want: { ssh: expect.objectContaining({ protected: ["admin"], deleteQuiet: 0 }) },
    },
  ])("$name", ({ input, want }) => {
    expect(parse(input)).toEqual({ ...parse({}), ...want });
  });
});

describe("parseSettings() names the keeper of an Xray", () => {
  test.for([
    { name: "plainly at the usual address", xray: {}, api: "127.0.0.1:10085", keeper: "xray" },
    {
      name: "by another address",
      xray: { api: "10.0.0.2:8080" },
      api: "10.0.0.2:8080",
      keeper: "xray@10.0.0.2:8080",
    },
    { name: "by IPv6", xray: { api: "[::1]:10085" }, api: "[::1]:10085", keeper: "xray@[::1]:10085" },
    {
      name: "by host name",
      xray: { api: "localhost:10085" },
      api: "localhost:10085",
      keeper: "xray@localhost:10085",
    },
    {
      name: "by a socket",
      xray: { api: "unix:/run/x.sock" },
      api: "unix:/run/x.sock",
      keeper: "xray@unix:/run/x.sock",
    },
    {
      name: "by a socket's bare path",
      xray: { api: "/run/x.sock" },
      api: "unix:/run/x.sock",
      keeper: "xray@unix:/run/x.sock",
    },
    {
      name: "by an abstract socket",
      xray: { api: "unix-abstract:x" },
      api: "unix-abstract:x",
      keeper: "xray@unix-abstract:x",
    },
    {
      name: "by an abstract socket as Xray writes it",
      xray: { api: "@x" },
      api: "unix-abstract:x",
      keeper: "xray@unix-abstract:x",
    },
    {
      name: "as the operator does",
      xray: { api: "@x", name: "vmess" },
      api: "unix-abstract:x",
      keeper: "vmess",
    },
  ])("$name", ({ xray, api, keeper }) => {
    expect(parse({ xray }).xray).toEqual([expect.objectContaining({ api, name: keeper })]);
  });

  test("the same when entries are added or change places", () => {
    const [first, second] = [{ api: "127.0.0.1:10085" }, { api: "127.0.0.1:10086" }];
    const names = (xray: unknown) => parse({ xray }).xray.map(({ name }) => name);
    expect(names([first, second])).toEqual(["xray", "xray@127.0.0.1:10086"]);
    expect(names([second, first])).toEqual(["xray@127.0.0.1:10086", "xray"]);
    expect(names([second])).toEqual(["xray@127.0.0.1:10086"]);
  });
});

describe("parseSettings() refuses", () => {
  test.for([
    { name: "a file that is no object", input: [], problem: "the file: expected an object, got a list" },
    { name: "a file that is null", input: null, problem: "the file: expected an object, got null" },
    {
      name: "a word it does not know",
      input: { mode: "fast" },
      problem: 'mode: expected "enforce" or "observe", got "fast" (string)',
    },
    {
      name: "a tick below 5 ms",
      input: { tick_ms: 4 },
      problem: "tick_ms: expected a whole number from 5 to 1000, got 4 (number)",
    },
    {
      name: "a number in quotes",
      input: { tick_ms: "10" },
      problem: 'tick_ms: expected a whole number from 5 to 1000, got "10" (string)',
    },
    {
      name: "a fraction",
      input: { flush_ms: 100.5 },
      problem: "flush_ms: expected a whole number from 100 to 60000, got 100.5 (number)",
    },
    {
      name: "a longest period below the tick",
      input: { tick_ms: 50, max_period_ms: 49 },
      problem: "max_period_ms: expected a whole number from 50 to 60000, got 49 (number)",
    },
    {
      name: "a relative folder",
      input: { state_directory: "myvpn" },
      problem: 'state_directory: expected an absolute path, got "myvpn" (string)',
    },
    {
      name: "a zero byte in a path",
      input: { log_directory: "/a\0b" },
      problem: 'log_directory: expected an absolute path, got "/a\\u0000b" (string)',
    },
    {
      name: "a zone that does not exist",
      input: { time_zone: "Mars/Base" },
      problem:
        'time_zone: Cannot use "Mars/Base" as a time zone: expected an IANA name such as "Europe/Bucharest", "Asia/Jakarta" or "UTC"',
    },
    {
      name: "an offset for a zone",
      input: { time_zone: "+07:00" },
      problem:
        'time_zone: Cannot use "+07:00" as a time zone: expected an IANA name such as "Europe/Bucharest", "Asia/Jakarta" or "UTC"',
    },
    {
      name: "a period that is none",
      input: { period: "monthly:32" },
      problem:
        'period: Cannot read a period: expected "never", "weekly", "monthly", "monthly:1" to "monthly:31" or "30d", got "monthly:32"',
    },
    {
      name: "a warning at the limit itself",
      input: { warn_percent: [80, 100] },
      problem: "warn_percent[1]: expected one of whole numbers from 1 to 99, got 100 (number)",
    },
    {
      name: "a warning twice",
      input: { warn_percent: [80, 95, 80] },
      problem: "warn_percent: expected each number once, got 80 again",
    },
    {
      name: "a file mode that runs",
      input: { usage_file_mode: "0755" },
      problem:
        'usage_file_mode: expected an octal text from "0600" to "0666" with even digits, got "0755" (string)',
    },
    {
      name: "a file mode as a number",
      input: { usage_file_mode: 640 },
      problem:
        'usage_file_mode: expected an octal text from "0600" to "0666" with even digits, got 640 (number)',
    },
    {
      name: "no line at all",
      input: { line_rate_mbps: 0 },
      problem: 'line_rate_mbps: expected "auto" or a whole number from 1 to 1000000, got 0 (number)',
    },
    {
      name: "an alias of itself",
      input: { aliases: { joe: "joe" } },
      problem: 'aliases.joe: expected the name of an account, got "joe" (string), which is itself',
    },
    {
      name: "an alias of an alias",
      input: { aliases: { a: "b", b: "c" } },
      problem: 'aliases.a: expected the name of an account, got "b" (string), which is another alias',
    },
    {
      name: "an alias of no name",
      input: { aliases: { a: "" } },
      problem:
        'aliases.a: Cannot use "" as a user name: expected 1 to 255 bytes of UTF-8 without control characters, got 0 bytes',
    },
    {
      name: "an alias of a number",
      input: { aliases: { a: 1 } },
      problem: "aliases.a: expected a user name, got 1 (number)",
    },
    {
      name: "an address without a port",
      input: { xray: { api: "127.0.0.1" } },
      problem:
        'xray.api: Cannot read an address: expected "host:port", "[IPv6]:port", "unix:/path", "/path", "unix-abstract:name" or "@name", got "127.0.0.1"',
    },
    {
      name: "two engines at one address",
      input: {
        xray: [
          { name: "a", api: "/x" },
          { name: "b", api: "unix:/x" },
        ],
      },
      problem: `xray[1].api: expected one of its own, got xray[0]'s "unix:/x"`,
    },
    {
      name: "two engines of one name",
      input: { xray: [{ name: "a" }, { name: "a", api: "@x" }] },
      problem: `xray[1].name: expected one of its own, got xray[0]'s "a"`,
    },
    {
      name: "an engine with another's default name",
      input: { xray: [{}, { name: "xray", api: "@x" }] },
      problem: `xray[1].name: expected one of its own, got xray[0]'s "xray"`,
    },
    {
      name: "an engine named as another keeper",
      input: { xray: { name: "ssh" } },
      problem:
        'xray.name: expected 1 to 64 of A-Z a-z 0-9 . _ -, other than "ssh" and "openvpn", got "ssh" (string)',
    },
    {
      name: "a unit that would be an option",
      input: { xray: { service: "--now" } },
      problem: 'xray.service: expected the name of a systemd unit, or null, got "--now" (string)',
    },
    {
      name: "a relative log",
      input: { xray: { access_log: "access.log" } },
      problem: 'xray.access_log: expected "auto", an absolute path, or null, got "access.log" (string)',
    },
    {
      name: "metering root",
      input: { ssh: { min_uid: 0 } },
      problem: "ssh.min_uid: expected a whole number from 1 to 4294967294, got 0 (number)",
    },
    {
      name: "a shell that is no path",
      input: { ssh: { shells: ["bash"] } },
      problem: expect.stringContaining("ssh.shells"),
    },
    {
      name: "a folder that is not absolute",
      input: { ssh: { legacy_directory: "xray" } },
      problem: expect.stringContaining("ssh.legacy_directory"),
    },
    {
      name: "one name in place of a list",
      input: { ssh: { protected: "admin" } },
      problem: 'ssh.protected: expected a list of user names, got "admin" (string)',
    },
    {
      name: "a list in place of a section",
      input: { ssh: [] },
      problem: "ssh: expected an object, got a list",
    },
    {
      name: "an engine switched off within a list",
      input: { xray: [null] },
      problem: "xray[0]: expected an object, got null",
    },
    {
      name: "two servers behind one socket",
      input: { openvpn: [{}, { name: "b" }] },
      problem: `openvpn[1].management: expected one of its own, got openvpn[0]'s "/run/openvpn/ovpn-mgmt.sock"`,
    },
    {
      name: "two servers of one name",
      input: { openvpn: [{}, { management: "/b" }] },
      problem: `openvpn[1].name: expected one of its own, got openvpn[0]'s "openvpn:server"`,
    },
    {
      name: "a port out of range",
      input: { web: { listen: "127.0.0.1:65536" } },
      problem:
        'web.listen: Cannot read an address: expected "host:port" or "[IPv6]:port", got "127.0.0.1:65536"',
    },
    {
      name: "a certificate of the web without its key",
      input: { web: { tls: { cert: "/etc/ssl/web.pem" } } },
      problem: "web.tls.key: expected an absolute path, got nothing",
    },
    {
      name: "a key of the web without its certificate",
      input: { web: { tls: { key: "/etc/ssl/web.key" } } },
      problem: "web.tls.cert: expected an absolute path, got nothing",
    },
    {
      name: "a yes for true",
      input: { web: { may_delete: "yes" } },
      problem: 'web.may_delete: expected true or false, got "yes" (string)',
    },
    {
      name: "a port that is none",
      input: { connections: { ports: [443, 0] } },
      problem:
        'connections.ports[1]: expected one of port numbers from 1 to 65535, or "auto", got 0 (number)',
    },
    {
      name: "a direction of the packets' own",
      input: { hosts: { direction: "incoming" } },
      problem: 'hosts.direction: expected "inbound" or "outbound" or "both", got "incoming" (string)',
    },
    {
      name: "one log in place of a list",
      input: { hosts: { nginx_access: "/a.log" } },
      problem: 'hosts.nginx_access: expected a list of logs, got "/a.log" (string)',
    },
    {
      name: "a log without its path",
      input: { hosts: { nginx_access: [{ path: "/a.log" }, {}] } },
      problem: "hosts.nginx_access[1].path: expected an absolute path, got nothing",
    },
    {
      name: "a format that nginx could split no better",
      input: { hosts: { nginx_access: [{ path: "/a.log", format: "$host$request" }] } },
      problem: "hosts.nginx_access[0].format: expected text between $host and $request at character 6",
    },
    {
      name: "a format by a name that is not known",
      input: { hosts: { nginx_access: [{ path: "/a.log", format: "combind" }] } },
      problem:
        'hosts.nginx_access[0].format: expected a known format\'s name or a text with variables such as $host, got "combind"',
    },
    {
      name: "a format that is no text",
      input: { hosts: { nginx_access: [{ path: "/a.log", format: 1 }] } },
      problem:
        'hosts.nginx_access[0].format: expected "combined", "proxy_capture" or a log_format, got 1 (number)',
    },
    {
      name: "an error log that is not absolute",
      input: { hosts: { nginx_error: ["error.log"] } },
      problem: 'hosts.nginx_error[0]: expected one of absolute paths, got "error.log" (string)',
    },
    {
      name: "a fleet without its Redis",
      input: { fleet: {} },
      problem: 'fleet.redis: expected a URL that begins with "redis://" or "rediss://", got nothing',
    },
    {
      name: "a key behind __proto__",
      input: JSON.parse('{"__proto__": {"mode": "observe"}}') as unknown,
      problem: expect.stringMatching(/^__proto__: unknown setting; known are mode, /) as string,
    },
  ])("$name", ({ input, problem }) => {
    expect(problemsOf(input)).toEqual([problem]);
  });

  test.for([
    {
      name: "of the file",
      input: { modus: 1 },
      problem: /^modus: unknown setting; known are mode, state_directory, .*, fleet$/,
    },
    {
      name: "of a section",
      input: { xray: { adress: "x" } },
      problem: /^xray\.adress: unknown setting; known are name, api, config, access_log, service, gates$/,
    },
    {
      name: "of a list's item",
      input: { openvpn: [{}, { name: "b", management: "/b", port: 1 }] },
      problem: /^openvpn\[1\]\.port: unknown setting; known are name, management, password_file, /,
    },
    {
      name: "of the fleet",
      input: { fleet: { redis: "redis://h", node: 1 } },
      problem: /^fleet\.node: unknown setting; known are redis$/,
    },
  ])("an unknown key $name and lists the known ones", ({ input, problem }) => {
    expect(problemsOf(input)).toEqual([expect.stringMatching(problem)]);
  });

  test("all problems at once, in one message", () => {
    const input = { tick_ms: 1, xray: { adress: "x" }, ssh: { on_limit: "kill" } };
    expect(() => parse(input, { MAX_LOG_SIZE: "big" })).toThrow(
      new InvalidSettingsError("c.json", [
        "tick_ms: expected a whole number from 5 to 1000, got 1 (number)",
        "xray.adress: unknown setting; known are name, api, config, access_log, service, gates",
        'ssh.on_limit: expected "delete" or "lock" or "cut", got "kill" (string)',
        'environment MAX_LOG_SIZE: expected 65536 to 1099511627776 bytes, got "big"',
      ]),
    );
  });

  test("a Redis address without showing the password in it", () => {
    const problems = problemsOf({ fleet: { redis: "http://:secret@h" } });
    expect(problems).toEqual([
      'fleet.redis: expected a URL that begins with "redis://" or "rediss://", got another string',
    ]);
  });

  test("a host's zone that is none, unless the file names one", () => {
    expect(problemsOf({}, {}, "Etc/Unknown")).toEqual([
      expect.stringMatching(/^time_zone: Cannot use "Etc\/Unknown" as a time zone/),
    ]);
    expect(problemsOf({ time_zone: "UTC" }, {}, "Etc/Unknown")).toEqual([]);
  });
});

describe("loadSettings()", () => {
  test("reads a file with comments", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const path = join(folder.path, "sluice.json");
    await writeFile(path, '# here\n{ "mode": "observe", // not yet\n  "ssh": null, }\n');
    expect(await loadSettings(path, {})).toMatchObject({ path, mode: "observe", ssh: null, tick: 10 });
  });

  test("passes the environment on", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const path = join(folder.path, "sluice.json");
    await writeFile(path, "{}");
    expect(await loadSettings(path, { MAX_LOG_SIZE: "70000" })).toMatchObject({ maxLogSize: 70_000 });
  });

  test.for([
    {
      name: "a syntax error",
      text: '{\n "mode" "observe"\n}',
      problem: 'Cannot read the JSON at 2:9: expected ":", got "\\""',
    },
    {
      name: "a file cut off",
      text: '{ "mode": "obs',
      problem: 'Cannot read the JSON at 1:11: expected a value, got "\\""',
    },
    {
      name: "an empty file",
      text: "",
      problem: "Cannot read the JSON at 1:1: expected a value, got the end",
    },
    { name: "a file of null", text: "null", problem: "the file: expected an object, got null" },
    {
      name: "a value it cannot use",
      text: '{ "tick_ms": 0 }',
      problem: "tick_ms: expected a whole number from 5 to 1000, got 0 (number)",
    },
  ])("refuses $name and names the file", async ({ text, problem }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const path = join(folder.path, "sluice.json");
    await writeFile(path, text);
    await expect(loadSettings(path, {})).rejects.toThrow(new InvalidSettingsError(path, [problem]));
  });

  test("refuses a named file that is not there", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const path = join(folder.path, "none.json");
    await expect(loadSettings(path, {})).rejects.toThrow(`Cannot read the settings in "${path}": ENOENT`);
  });

  test("refuses a file that cannot be read", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const path = join(folder.path, "folder.json");
    await mkdir(path);
    await expect(loadSettings(path, {})).rejects.toThrow(`Cannot read the settings in "${path}": EISDIR`);
  });

  test.skipIf(existsSync("/etc/myvpn/sluice.json"))(
    "does without a file in the default place (skipped where /etc/myvpn/sluice.json exists)",
    async () => {
      const settings = await loadSettings(undefined, {});
      expect(settings.path).toBeUndefined();
      expect(settings.stateDirectory).toBe("/etc/myvpn");
    },
  );
});

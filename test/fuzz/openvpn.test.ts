/** Names in a status and variables in a block are strangers' words, and a spool is the server's user's: no byte may harm. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseFinal, UnfinishedFinalError } from "../../src/sources/openvpn/final-format.ts";
import type { ServerLook } from "../../src/sources/openvpn/login.ts";
import { answersTo } from "../../src/sources/openvpn/management-commands.ts";
import {
  ClientBlocks,
  ManagementLines,
  realTimeLine,
  TooLongLineError,
} from "../../src/sources/openvpn/management-lines.ts";
import { UnusableStatusError } from "../../src/sources/openvpn/status-clients.ts";
import { StatusTable } from "../../src/sources/openvpn/status-table.ts";
import { unixTime } from "../../src/units.ts";
import { allowing, FEW, fuzz, INPUTS, TIMEOUT } from "./inputs.ts";

const FIXTURES = new URL("../fixtures/openvpn/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FIXTURES));
const STATUSES = readdirSync(new URL("status/", FIXTURES))
  .filter((name) => name.endsWith(".log"))
  .map((name) => read(`status/${name}`).toString("utf8"));
const BLOCK =
  ">CLIENT:CONNECT,0,1\r\n>CLIENT:ENV,password=s3cret\r\n>CLIENT:ENV,common_name=alice\r\n>CLIENT:ENV,END\r\n>CLIENT:ADDRESS,0,10.98.0.2,1\r\n";
const SESSIONS = readdirSync(new URL("mgmt/", FIXTURES))
  .filter((name) => /^(05|10|11|14).*\.raw$/.test(name))
  .map((name) => read(`mgmt/${name}`).subarray(0, 1200));

function table(usersBy: "common-name" | "username" = "common-name"): StatusTable {
  return new StatusTable({
    usersBy,
    epochOf: ({ year, month, day, hour, minute, second }) =>
      Date.UTC(year, month - 1, day, hour, minute, second) / 1000,
  });
}

/** A status with a name of the fuzzer's in it, and a row beside it that must stay as it is. */
const FIELDS = "10.97.1.2:1194|10.98.0.2||100|200|2026-11-21 00:33:50|1795221230";
const HONEST = "10.97.2.2:7|10.98.0.3||5|6|2026-11-21 00:33:51|1795221231";

function statusOf(separator: "\t" | ",", name: string, username: string): string[] {
  const columns =
    "Common Name|Real Address|Virtual Address|Virtual IPv6 Address|Bytes Received|Bytes Sent|Connected Since|Connected Since (time_t)|Username|Client ID|Peer ID|Data Channel Cipher";
  const rows = [
    "TITLE|OpenVPN 2.6.14",
    "TIME|2026-11-21 00:33:52|1795221232",
    `HEADER|CLIENT_LIST|${columns}`,
    `CLIENT_LIST|\0|${FIELDS}|\x01|0|0|AES-256-GCM`,
    `CLIENT_LIST|honest|${HONEST}|UNDEF|1|1|AES-256-GCM`,
    "HEADER|ROUTING_TABLE|Virtual Address|Common Name|Real Address|Last Ref|Last Ref (time_t)",
    "ROUTING_TABLE|10.98.0.2|\0|10.97.1.2:1194|2026-11-21 00:33:51|1795221231",
    "ROUTING_TABLE|10.98.0.3|honest|10.97.2.2:7|2026-11-21 00:33:51|1795221231",
    "GLOBAL_STATS|Max bcast/mcast queue length|0",
  ];
  return rows.map((row) =>
    row
      .replaceAll("|", separator)
      .replaceAll("\0", () => name)
      .replaceAll("\x01", () => username),
  );
}

/** Seeds of names that are made to look like something else. */
const NAMES = [
  "a,b",
  "honest",
  "UNDEF",
  "CLIENT_LIST,honest",
  `honest,${HONEST.replaceAll("|", ",")},UNDEF,1,1,AES-256-GCM`,
  `honest,${FIELDS.replaceAll("|", ",")},x`,
  "END",
  '"quo;te$(id)\\',
  "иван >>> x",
];
/** A server keeps every printable character, and makes "_" of the others. */
// oxlint-disable-next-line no-control-regex -- they are what a server replaces
const asServed = (input: Buffer) => input.toString("utf8").replace(/[\0-\x1f\x7f]/g, "_");

function isSound({ logins, pending, writtenAt }: ServerLook): boolean {
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
  return (
    whole(pending) &&
    whole(writtenAt) &&
    logins.every(
      ({ user, since, clientId, traffic, addresses, subnets }) =>
        user.length > 0 &&
        [since, clientId ?? 0, traffic.uplink, traffic.downlink].every(whole) &&
        [...addresses, ...subnets].every((address) => address !== ""),
    )
  );
}

describe("StatusTable", () => {
  test("reads or refuses any status, and remembers nothing of it that is not so", {
    timeout: TIMEOUT,
  }, () => {
    const used = [table(), table("username")];
    let read = 0;
    fuzz(
      STATUSES,
      (input) => {
        const lines = input.toString("utf8").split(/\r?\n/).slice(0, -2);
        allowing([UnusableStatusError], () => {
          const look = (used[read % 2] as StatusTable).read(lines);
          if (!isSound(look)) throw new Error(`took ${JSON.stringify(look.logins)}`);
          if (read % 16 === 0)
            expect(look).toEqual(table(read % 2 === 0 ? "common-name" : "username").read(lines));
          read += 1;
        });
      },
      Math.ceil(INPUTS / 2),
    );
    expect(read).toBeGreaterThan(INPUTS / 100);
  });

  test.for(["\t", ","] as const)(
    "lets no name change a row that is not its own, with %j",
    { timeout: TIMEOUT },
    (separator) => {
      const used = table();
      let [taken, before] = [0, "a"];
      fuzz(
        NAMES,
        (input) => {
          const name = asServed(input);
          const { logins, rejected } = used.read(statusOf(separator, name, before));
          const honest = logins.filter(({ clientId }) => clientId === 1);
          const own = logins.filter(({ clientId }) => clientId === 0);
          if (honest.length !== 1 || logins.length - own.length !== 1)
            throw new Error("another login came up");
          const [{ user, traffic, since } = { user: "", traffic: undefined, since: 0 }] = honest;
          if (
            user !== "honest" ||
            traffic?.uplink !== 5 ||
            traffic.downlink !== 6 ||
            since !== 1_795_221_231
          ) {
            throw new Error(`the honest login is ${user} ${JSON.stringify(traffic)}`);
          }
          if (own.length + rejected.length !== 1) throw new Error("the row is neither taken nor refused");
          const [mine] = own;
          if (mine && separator === "\t") {
            const isOwn = mine.user === (["", "UNDEF"].includes(name) ? before : name) || name === "UNDEF";
            if (!isOwn || mine.traffic.uplink !== 100 || mine.traffic.downlink !== 200) {
              throw new Error(`its own login is ${mine.user} ${JSON.stringify(mine.traffic)}`);
            }
          }
          if (mine) taken += 1;
          before = name.slice(0, 128);
        },
        Math.ceil(INPUTS / 8),
      );
      expect(taken).toBeGreaterThan(0);
    },
  );
});

describe("ManagementLines and ClientBlocks", () => {
  test("take any bytes in any pieces, and say the same of them", { timeout: TIMEOUT }, () => {
    let [events, lines] = [0, 0];
    fuzz(
      [BLOCK, `ENTER PASSWORD:${BLOCK}`, ...SESSIONS],
      (input) => {
        const said = [input.length, 97].map((size) => {
          const blocks = new ClientBlocks();
          const told: string[] = [];
          const cutter = new ManagementLines({
            onPrompt: () => told.push("\0"),
            onLine: (line) => {
              told.push(line);
              const real = realTimeLine(line);
              const event = real?.kind === "CLIENT" && blocks.feed(real.text);
              if (event) {
                events += 1;
                if (!Number.isSafeInteger(event.clientId)) throw new Error(`took ${JSON.stringify(event)}`);
                if (event.environment.has("password")) throw new Error("kept a password");
              }
            },
          });
          allowing([TooLongLineError], () => {
            for (let at = 0; at < input.length; at += size) cutter.feed(input.subarray(at, at + size));
          });
          return told;
        });
        lines += said[0]?.length ?? 0;
        if (said[0]?.join("\n") !== said[1]?.join("\n")) throw new Error("pieces make a difference");
      },
      Math.ceil(INPUTS / 8),
    );
    expect(events).toBeGreaterThan(0);
    expect(lines).toBeGreaterThan(INPUTS);
  });

  test("answersTo() takes or refuses any command", { timeout: TIMEOUT }, () => {
    let taken = 0;
    fuzz(
      ["status 3", 'kill "a b\\"c"', "log on all", "client-kill 7 'x'", "state", "version 5", "# no"],
      (input) => {
        allowing([RangeError], () => {
          taken += answersTo(input.toString("utf8")).length;
        });
      },
      FEW,
    );
    expect(taken).toBeGreaterThan(0);
  });
});

test("parseFinal() takes a hook's file whole or not at all", { timeout: TIMEOUT }, () => {
  const sample =
    'format=1\ntime_unix=1795221718\ntime_duration=7\nbytes_received=108795\nbytes_sent=3658846\ntrusted_ip=10.97.1.2\ntrusted_port=44023\ntrusted_ip6=\nifconfig_pool_remote_ip=10.98.0.2\nifconfig_pool_remote_ip6=\nusername="a, b\ncommon_name=alice\nend\n';
  const other = sample.replace("10.97.1.2", "").replace("ip6=\nif", "ip6=fd97:1::2\nif");
  let taken = 0;
  fuzz(
    [sample, other],
    (input) => {
      allowing([SyntaxError, UnfinishedFinalError], () => {
        const { since, duration, traffic, realAddress } = parseFinal(
          input.toString("utf8"),
          "1.1.1.1",
          unixTime(0),
        );
        const figures = [since, duration, traffic.uplink, traffic.downlink];
        if (!figures.every(Number.isSafeInteger) || !/^[\da-fA-F.:%]/.test(realAddress)) {
          throw new Error(`took ${JSON.stringify({ figures, realAddress })}`);
        }
        taken += 1;
      });
    },
    Math.ceil(INPUTS / 8),
  );
  expect(taken).toBeGreaterThan(0);
});

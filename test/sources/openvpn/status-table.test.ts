import { describe, expect, test } from "vitest";
import type { ServerLook } from "../../../src/sources/openvpn/login.ts";
import { UnusableStatusError } from "../../../src/sources/openvpn/status-clients.ts";
import { StatusTable, type StatusTableOptions } from "../../../src/sources/openvpn/status-table.ts";
import { recording, statusLines } from "./fixtures.ts";

const UTC: StatusTableOptions["epochOf"] = ({ year, month, day, hour, minute, second }) =>
  Date.UTC(year, month - 1, day, hour, minute, second) / 1000;

function look(lines: readonly string[], usersBy: StatusTableOptions["usersBy"] = "common-name"): ServerLook {
  return new StatusTable({ usersBy, epochOf: UTC }).read(lines);
}

/** Version 3 with these rows, its columns as those of 2.6. */
const COLUMNS_26 =
  "Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher";
const SINCE = "2026-11-21 00:33:50,1795221230";

function tagged(
  separator: "\t" | ",",
  columns: string,
  rows: readonly (readonly string[])[],
  routes: readonly string[] = [],
) {
  return [
    ["TITLE", "OpenVPN 2.x"],
    ["TIME", "2026-11-21 00:33:52", "1795221232"],
    ["HEADER", "CLIENT_LIST", ...columns.split(",")],
    ...rows.map((row) => ["CLIENT_LIST", ...row]),
    [
      "HEADER",
      "ROUTING_TABLE",
      "Virtual Address",
      "Common Name",
      "Real Address",
      "Last Ref",
      "Last Ref (time_t)",
    ],
    ...routes.map((route) => ["ROUTING_TABLE", ...route.split(","), ...SINCE.split(",")]),
    ["GLOBAL_STATS", "Max bcast/mcast queue length", "0"],
  ].map((fields) => fields.join(separator));
}

/** One client's row of 2.6. */
function row(
  name: string,
  username = "UNDEF",
  figures = "100,200",
  id = 0,
  addresses = "10.98.0.2,",
): string[] {
  const middle = `10.97.1.2:1194,${addresses},${figures},${SINCE}`.split(",");
  return [name, ...middle, username, String(id), "0", "AES-256-GCM"];
}

describe("StatusTable", () => {
  test.for([1, 2, 3])("reads what a 2.6 server wrote in version %i", (version) => {
    for (const source of [`status/v${version}-management.raw`, `status/v${version}-two-clients.log`]) {
      const { logins, pending, dco, rejected, writtenAt } = look(statusLines(source));
      const [alice, bob] = logins.toSorted((left, right) => left.user.localeCompare(right.user));
      expect(alice).toMatchObject({
        user: "alice",
        commonName: "alice",
        signedInAs: undefined,
        clientId: version === 1 ? undefined : 0,
        realAddress: "fd97:1::2",
        addresses: ["10.98.0.2", "fd98::1000"],
        subnets: [],
      });
      expect(bob?.realAddress).toMatch(/^10\.97\.2\.2:\d+$/);
      expect(alice?.since).toBe(writtenAt - (writtenAt % 10));
      expect(alice?.traffic.downlink).toBeGreaterThan(3_000_000);
      expect(bob?.traffic.uplink).toBeGreaterThan(1_000_000);
      expect([pending, dco, rejected.length]).toEqual([0, version === 1 ? undefined : false, 0]);
    }
    expect(look(statusLines(`status/v${version}-empty.log`)).logins).toEqual([]);
  });

  test("tells two devices with one certificate apart", () => {
    const text = recording("mgmt/14-duplicate-cn.raw").toString("utf8").split("\r\n");
    const from = text.findIndex((line) => line.startsWith("TITLE\t"));
    const { logins } = look(text.slice(from, text.indexOf("END", from)));
    expect(
      logins.map(({ user, clientId, addresses }) => `${user} ${clientId} ${addresses.join()}`).toSorted(),
    ).toEqual(["alice 0 10.98.0.2", "alice 2 10.98.0.4", "bob 1 10.98.0.3"]);
  });

  test.for([
    [
      "2.2",
      "Common Name,Real Address,Virtual Address,Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t)",
    ],
    [
      "2.3",
      "Common Name,Real Address,Virtual Address,Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t),Username",
    ],
    ["2.4", COLUMNS_26.replace(",Data Channel Cipher", "")],
    ["2.6", COLUMNS_26],
  ] as const)("finds the columns of %s by their names", ([release, columns]) => {
    const values: Record<string, string> = {
      "Common Name": "alice",
      "Real Address": "10.97.1.2:1194",
      "Virtual Address": "10.98.0.2",
      "Bytes Received": "100",
      "Bytes Sent": "9007199254740991",
      "Connected Since": "Sat Nov 21 00:33:50 2026",
      "Connected Since (time_t)": "1795221230",
      Username: "ali",
      "Client ID": "7",
    };
    for (const separator of ["\t", ","] as const) {
      const fields = columns.split(",").map((column) => values[column] ?? "");
      const { logins, rejected } = look(tagged(separator, columns, [fields]));
      expect(rejected).toEqual([]);
      expect(logins).toEqual([
        {
          user: "alice",
          commonName: "alice",
          signedInAs: release === "2.2" ? undefined : "ali",
          clientId: release < "2.4" ? undefined : 7,
          since: 1_795_221_230,
          realAddress: "10.97.1.2:1194",
          addresses: ["10.98.0.2"],
          subnets: [],
          traffic: { uplink: 100, downlink: 9_007_199_254_740_991 },
        },
      ]);
    }
  });

  test.for(["2026-11-01 00:33:40", "Sun Nov  1 00:33:40 2026"])(
    "reads the times of version 1 in %s",
    (time) => {
      const lines = statusLines("status/v1-two-clients.log").map((line) =>
        line.replace(/2026-11-21 \S+/, time),
      );
      expect(look(lines)).toMatchObject({ writtenAt: 1_793_493_220, logins: [{ since: 1_793_493_220 }, {}] });
    },
  );

  test.for([1, 2, 3, 4, 5, 6, 7])("hostile name %i is the same in versions 2 and 3", (which) => {
    const name = ["a,b", "tabx", "two words", "../../etc/x", "иван", '"quo;te$(id)', "UNDEF"][which - 1];
    const text = recording(`mgmt/21-hostile-name-${which}.raw`).toString("utf8").split("\r\n");
    for (const title of ["TITLE,", "TITLE\t"]) {
      const from = text.findIndex((line) => line.startsWith(title));
      const { logins, rejected, pending } = look(text.slice(from, text.indexOf("END", from)));
      expect(logins.map(({ user }) => user)).toContain(name); // beside those before him, who linger
      expect([rejected, pending]).toEqual([[], 0]);
    }
  });

  const FORGED = `bob,10.97.9.9:1,10.98.0.3,,999,999,${SINCE},x`;

  test("takes figures in a name for figures in no version", () => {
    const honest = row("bob", "UNDEF", "5,6", 1, "10.98.0.3,");
    const rows = [row(FORGED), honest];
    expect(look(tagged("\t", COLUMNS_26, rows)).logins.map(({ user, traffic }) => [user, traffic])).toEqual([
      [FORGED, { uplink: 100, downlink: 200 }],
      ["bob", { uplink: 5, downlink: 6 }],
    ]);
    const { logins, rejected } = look(tagged(",", COLUMNS_26, rows));
    expect(logins.map(({ user, traffic }) => [user, traffic])).toEqual([["bob", { uplink: 5, downlink: 6 }]]);
    expect(rejected).toEqual([{ name: "bob", why: "its fields cannot be told apart: has a name commas?" }]);
    const same = look(tagged(",", COLUMNS_26, [row(FORGED, FORGED)]));
    expect(same.logins.map(({ user, traffic }) => [user, traffic.uplink])).toEqual([[FORGED, 100]]);
    const lines = statusLines("status/v1-two-clients.log").with(
      3,
      `${FORGED},10.97.1.2:1,1,2,2026-11-21 00:33:40`,
    );
    expect(look(lines).pending).toBe(1); // nothing leads to him
    const routed = lines.with(7, `10.98.0.9,${FORGED},10.97.1.2:1,2026-11-21 00:33:40`);
    expect(look(routed).logins[0]).toMatchObject({ user: FORGED, traffic: { uplink: 1, downlink: 2 } });
  });

  test.for([
    { name: "alice", username: "ali", by: "common-name", user: "alice" },
    { name: "alice", username: "ali", by: "username", user: "ali" },
    { name: "alice", username: "UNDEF", by: "username", user: "alice" },
    { name: "UNDEF", username: "ali", by: "common-name", user: "ali" },
    { name: "", username: "ali", by: "common-name", user: "ali" },
    { name: "UNDEF", username: "UNDEF", by: "common-name", user: "UNDEF" },
  ] as const)("calls $name, signed in as $username, $user by $by", ({ name, username, by, user }) => {
    expect(look(tagged("\t", COLUMNS_26, [row(name, username)]), by).logins[0]?.user).toBe(user);
  });

  test("counts who is at the door and books him nothing", () => {
    const { logins, pending } = look(
      tagged("\t", COLUMNS_26, [
        row("UNDEF", "UNDEF", "10,20", 1, ","),
        row("UNDEF", "UNDEF", "10,20", 2, ","),
        row("alice", "UNDEF", "10,20", 3, ","),
      ]),
    );
    expect([logins, pending]).toEqual([[], 3]);
  });

  test("refuses rows one by one", () => {
    const { logins, rejected } = look(
      tagged("\t", COLUMNS_26, [
        row("alice"),
        row("bell\x07"),
        row("", ""),
        row("much", "UNDEF", "9007199254740992,1"),
        row("less", "UNDEF", "-1,1"),
        row("half", "UNDEF", "1.5,1"),
        row("x".repeat(256)),
        ["short", "10.97.1.2:1"],
        row("nobody").with(9, "x"),
      ]),
    );
    expect(logins.map(({ user }) => user)).toEqual(["alice"]);
    expect(rejected.map(({ name }) => name)).toEqual([
      ...["bell\x07", "", "much", "less", "half", "x".repeat(256), "short", "nobody"],
    ]);
  });

  test("finds the networks behind a client, and no neighbour or card for one", () => {
    const routes = [
      "10.98.0.2,alice,10.97.1.2:1194",
      "192.0.2.0/24,alice,10.97.1.2:1194",
      "fd00:5::/64,alice,10.97.1.2:1194",
      "198.51.100.7,alice,10.97.1.2:1194",
      "192.0.2.9C,alice,10.97.1.2:1194",
      "fd00:5::2C,alice,10.97.1.2:1194",
      "00:ff:aa:bb:cc:dd,alice,10.97.1.2:1194",
      "00:ff:aa:bb:cc:dd@7,alice,10.97.1.2:1194",
      "203.0.113.0/24,eve,10.97.1.3:1",
    ];
    for (const separator of ["\t", ","] as const) {
      const { logins } = look(tagged(separator, COLUMNS_26, [row("alice")], routes));
      expect(logins).toMatchObject([
        { addresses: ["10.98.0.2"], subnets: ["192.0.2.0/24", "198.51.100.7/32", "fd00:5::/64"] },
      ]);
    }
  });

  test("lets in who has no address on a server that bridges, once his card is known", () => {
    const rows = [row("alice", "UNDEF", "1,2", 0, ",")];
    expect(look(tagged("\t", COLUMNS_26, rows)).pending).toBe(1);
    const { logins } = look(tagged("\t", COLUMNS_26, rows, ["00:ff:aa:bb:cc:dd,alice,10.97.1.2:1194"]));
    expect(logins).toMatchObject([{ user: "alice", addresses: [], subnets: [] }]);
  });

  test("hands out the same objects while rows stand, and follows their routes", () => {
    const table = new StatusTable({ usersBy: "common-name", epochOf: UTC });
    const at = (figures: string, routes: readonly string[] = []) =>
      table.read(
        tagged(
          "\t",
          COLUMNS_26,
          [row("alice", "UNDEF", figures), row("bob", "UNDEF", "1,1", 1, "10.98.0.3,")],
          routes,
        ),
      ).logins;
    const network = ["192.0.2.0/24,bob,10.97.1.2:1194"];
    const [first, second, third, fourth] = [at("1,1"), at("2,2", network), at("2,2", network), at("2,2")];
    expect(first[0]).not.toBe(second[0]);
    expect(second[1]?.subnets).toEqual(["192.0.2.0/24"]);
    expect([third[0], third[1]]).toEqual([second[0], second[1]]);
    expect(third[1]).toBe(second[1]);
    expect(fourth[1]).toBe(first[1]);
  });

  test("says that the kernel moves the packets", () => {
    const lines = [...tagged("\t", COLUMNS_26, []), "GLOBAL_STATS\tdco_enabled\t1"];
    expect(look(lines).dco).toBe(true);
    expect(look(tagged("\t", COLUMNS_26, [])).dco).toBeUndefined();
  });

  const whole = tagged("\t", COLUMNS_26, [row("alice")]);
  test.for([
    { name: "nothing", lines: [] },
    { name: "another program's file", lines: ["hello"] },
    { name: "no header", lines: whole.filter((line) => !line.startsWith("HEADER\tC")) },
    { name: "no time", lines: whole.filter((line) => !line.startsWith("TIME")) },
    { name: "a header without bytes", lines: whole.map((line) => line.replace("Bytes Sent", "Bytes")) },
    { name: "half a row of an older write", lines: whole.toSpliced(4, 0, "99\t2026-11-21") },
    { name: "two writes", lines: [...whole, ...whole] },
    {
      name: "a client's status",
      lines: ["OpenVPN STATISTICS", "Updated,2026-11-21 00:33:38", "TUN/TAP read bytes,1"],
    },
    { name: "version 1 without routes", lines: statusLines("status/v1-empty.log").slice(0, 3) },
  ])("refuses $name", ({ lines }) => {
    expect(() => look(lines)).toThrow(UnusableStatusError);
  });
});

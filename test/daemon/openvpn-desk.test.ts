/** What faces ask of the servers together, of views that are values; and the commands, over a real control socket. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Desk, OpenvpnLoginRow, OpenvpnServerRow } from "../../src/control/rows.ts";
import { serveControl } from "../../src/control/service.ts";
import type { Entry } from "../../src/daemon/books.ts";
import { OpenvpnDesk } from "../../src/daemon/openvpn-desk.ts";
import type { OpenvpnView } from "../../src/daemon/openvpn-view.ts";
import { UnknownUserError } from "../../src/errors.ts";
import type { UserName } from "../../src/names.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";

interface Server {
  readonly idle?: boolean;
  readonly row?: Partial<OpenvpnServerRow>;
  /** His name, and the client ID. */
  readonly logins?: readonly (readonly [string, number])[];
}

let kicked: string[] = [];
let events: string[] = [];

function viewOf([name, { idle = false, row = {}, logins = [] }]: readonly [string, Server]): OpenvpnView {
  return {
    idle,
    row: () => ({
      ...{ name, from: "management", answering: true, trouble: "" },
      ...{ pid: 7, version: "OpenVPN 2.6.14", dco: false, logins: logins.length, pending: 0 },
      ...{ lastLookMs: 1, periodMs: 1000, gated: true, hooked: true, notes: [] },
      ...row,
    }),
    logins: () =>
      logins.map(
        ([user, clientId]): OpenvpnLoginRow => ({
          ...{ server: name, user, commonName: user, clientId, realAddress: "10.0.0.1:1194" },
          ...{ addresses: ["10.8.0.2"], subnets: [], sinceMs: 1000, denied: false },
          ...{ uplinkBytes: 1, downlinkBytes: 2 ** 53 - 1 },
        }),
      ),
    kick: async (user) => {
      kicked.push(`${user} at ${name}`);
      const ended = logins.filter(([each]) => each === user).length;
      return { ended, text: `${ended} of ${user} ended at ${name}` };
    },
  };
}

/** Accounts alice, also known as "1.alice", and bob. */
function deskOf(servers: Readonly<Record<string, Server>>): OpenvpnDesk {
  const users: Readonly<Record<string, readonly string[]>> = { alice: ["alice", "1.alice"], bob: [] };
  return new OpenvpnDesk({
    views: Object.entries(servers).map(viewOf),
    books: {
      entry: (name: UserName) => {
        if (!users[name]) throw new UnknownUserError(name);
        return { standing: { name }, users: new Set(users[name]) } as unknown as Entry;
      },
    },
    events: { record: (kind, text) => void events.push(`${kind}: ${text}`) },
  });
}

beforeEach(() => {
  kicked = [];
  events = [];
});

describe("OpenvpnDesk", () => {
  test("lists servers by name, without those that are not there, and logins by server, user and ID", () => {
    const desk = deskOf({
      udp: {
        logins: [
          ["bob", 2],
          ["alice", 9],
          ["alice", 4],
        ],
      },
      gone: { idle: true, logins: [["eve", 0]] },
      tcp: { logins: [["zoe", 0]] },
    });
    expect(desk.servers().map(({ name }) => name)).toEqual(["tcp", "udp"]);
    expect(desk.logins().map(({ user, clientId }) => `${user} ${clientId}`)).toEqual([
      ...["zoe 0", "alice 4", "alice 9", "bob 2"],
    ]);
  });

  test("ends the logins of all names of an account, at every server, and tells of it", async () => {
    const desk = deskOf({
      udp: {
        logins: [
          ["alice", 1],
          ["alice", 2],
          ["1.alice", 3],
          ["bob", 4],
        ],
      },
      tcp: { logins: [["alice", 0]] },
    });
    expect(await desk.kick("alice", "the administrator")).toEqual({
      ended: 4,
      text: "1 of alice ended at tcp; 2 of alice ended at udp; 1 of 1.alice ended at udp",
    });
    expect(kicked).toEqual(["alice at tcp", "alice at udp", "1.alice at udp"]);
    expect(events).toEqual([
      "kicked: Logins of alice at tcp ended by the administrator: 1",
      "kicked: Logins of alice at udp ended by the administrator: 2",
      "kicked: Logins of alice at udp ended by the administrator: 1",
    ]);
  });

  test.for<{ name: string; who: string; servers: Readonly<Record<string, Server>>; says: string }>([
    {
      name: "nobody of that name",
      who: "eve",
      servers: {},
      says: 'Cannot find user "eve": no account and no engine has that name',
    },
    {
      name: "one who is not logged in",
      who: "bob",
      servers: { udp: { logins: [["alice", 1]] }, tcp: {} },
      says: 'Cannot end the logins of "bob": he has no login at tcp, udp',
    },
    {
      name: "anybody without servers",
      who: "bob",
      servers: {},
      says: 'Cannot end the logins of "bob": he has no login at any server: OpenVPN is switched off',
    },
    {
      name: "one who may be logged in where nobody answers",
      who: "bob",
      servers: { udp: {}, tcp: { row: { answering: false, trouble: "it is not running" } } },
      says: 'Cannot end the logins of "bob": tcp does not answer (it is not running)',
    },
  ])("kick() does not end $name", async ({ who, servers, says }) => {
    await expect(deskOf(servers).kick(who, "x")).rejects.toThrow(says);
    expect([kicked, events]).toEqual([[], []]);
  });
});

describe("sluice openvpn", () => {
  let sluice: Sluice;
  let socket: AsyncDisposable;
  let desk: OpenvpnDesk;

  beforeAll(async () => {
    sluice = await makeSluice({ time_zone: "UTC" });
    await mkdir(join(sluice.directory, "run"));
    const served: Pick<Desk, "status" | "openvpnServers" | "openvpnLogins" | "openvpnKick"> = {
      status: async () => ({ pid: process.pid }) as never,
      openvpnServers: async () => desk.servers(),
      openvpnLogins: async () => desk.logins(),
      openvpnKick: (name, by) => desk.kick(name, by),
    };
    const path = join(sluice.directory, "run", "control.sock");
    socket = await serveControl(served as Desk, path, { write: () => undefined });
  });
  afterAll(async () => {
    await socket[Symbol.asyncDispose]();
    await sluice[Symbol.asyncDispose]();
  });

  test("sessions tells exact figures of the logins asked for, and of no server that is not there", async () => {
    desk = deskOf({
      udp: {
        logins: [
          ["alice", 1],
          ["bob", 2],
        ],
      },
      tcp: { logins: [["alice", 0]] },
    });
    const [json, of, none, wrong] = await Promise.all([
      sluice.run("openvpn", "sessions", "--json", "--user", "alice"),
      sluice.run("openvpn", "sessions", "--server", "udp"),
      sluice.run("openvpn", "sessions", "--user", "zoe"),
      sluice.run("openvpn", "sessions", "--server", "sctp"),
    ]);
    expect(JSON.parse(json.stdout)).toEqual(desk.logins().filter(({ user }) => user === "alice"));
    expect(of.stdout).toMatch(/^USER .*\nalice .* 8\d+\.\d\d TB {2}ok\nbob .*\n$/);
    expect(none).toEqual({ status: 0, stdout: "Nobody is logged in.\n", stderr: "" });
    expect(wrong).toEqual({
      ...{ status: 2, stdout: "" },
      stderr: 'sluice: Cannot find OpenVPN server "sctp": the servers are tcp, udp\n',
    });
  });

  test("status exits 0 while a server answers, and 4 when none does", async () => {
    const down = { row: { answering: false, trouble: "it is not running" } };
    desk = deskOf({ udp: {}, tcp: down });
    const one = await sluice.run("openvpn", "status");
    expect(one).toMatchObject({ status: 0, stdout: expect.stringContaining("tcp: DOES NOT ANSWER (it is") });
    desk = deskOf({ tcp: down });
    expect(await sluice.run("openvpn", "status", "--brief")).toEqual({
      ...{ status: 4, stdout: "0 logins; no answer from tcp\n", stderr: "" },
    });
  });

  test("kick says what was ended, and exits 2 for one who is not logged in, 3 for nobody", async () => {
    desk = deskOf({ udp: { logins: [["alice", 1]] } });
    const [done, out, nobody] = await Promise.all(
      ["alice", "bob", "eve"].map((name) => sluice.run("openvpn", "kick", name)),
    );
    expect(done).toEqual({ status: 0, stdout: "1 of alice ended at udp\n", stderr: "" });
    expect(out).toMatchObject({ status: 2, stderr: expect.stringContaining("he has no login at udp") });
    expect(nobody).toMatchObject({ status: 3 });
  });

  test("each exits 4 without a daemon", async () => {
    await using alone = await makeSluice({});
    const all = await Promise.all(
      [["status"], ["sessions"], ["kick", "alice"]].map((words) => alone.run("openvpn", ...words)),
    );
    expect(all.map(({ status, stdout }) => ({ status, stdout }))).toEqual(
      Array.from({ length: 3 }, () => ({ status: 4, stdout: "" })),
    );
    expect(all[2]?.stderr).toMatch(/^sluice: Cannot end the logins of "alice": no daemon answers at \//);
  });
});

import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SshPresence } from "../../src/daemon/ssh-presence.ts";
import type { LoginRecord } from "../../src/history/records.ts";
import { openSockets } from "../../src/kernel/open-sockets.ts";
import { bootId, processStart } from "../../src/kernel/process.ts";
import { type UserName, userName } from "../../src/names.ts";
import { type Dropbear, startDropbear, startTarget } from "../sources/ssh/dropbear.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { needs } from "../support/requirements.ts";
import { type Account, addAccount, removeAccount } from "../support/ssh-accounts.ts";
import { until } from "../support/until.ts";
import { openBooks } from "./opened-books.ts";

const missing = needs("root", "dropbear", "dropbearkey", "ssh", "sshpass", "useradd", "chpasswd");

describe.skipIf(missing)(`SshPresence${missing}`, { timeout: 60_000 }, () => {
  let joe: Account;
  let dropbear: Dropbear;
  beforeAll(async () => {
    joe = await addAccount({ shell: "/bin/sh" });
    dropbear = await startDropbear();
  });
  afterAll(async () => {
    await dropbear[Symbol.asyncDispose]();
    await removeAccount(joe);
  });

  /** Over a Dropbear whose processes stay root: who they serve is told here. */
  function openPresence(rootUsers: Map<number, UserName>) {
    const { books } = openBooks(new ManualClock());
    const entry = books.know(userName(joe.name), "ssh");
    if (!entry) throw new Error("Cannot open the account");
    const user = userName(joe.name);
    const login = { name: joe.name, uid: joe.uid, gid: joe.uid, home: "", shell: "", line: "" };
    const told: LoginRecord[] = [];
    const looks: string[] = [];
    const sockets = openSockets();
    const presence = new SshPresence({
      part: {
        metered: () => [{ user, login, entry, number: 1, untouchable: false }],
        rootUsers: () => rootUsers,
      },
      sockets,
      clock: systemClock,
      onLogin: (record) => void told.push(record),
      onLook: (keeper) => void looks.push(keeper),
    });
    return { presence, told, looks, [Symbol.dispose]: () => sockets[Symbol.dispose]() };
  }

  test("tells who is logged in, from where and since when; and that he has gone", async () => {
    await using target = await startTarget();
    const began = Date.now();
    const { pid, child, forwarded } = await dropbear.login(joe, target.port);
    const through = connect(forwarded, "127.0.0.1"); // a connection of root's that is no client's
    await once(through, "connect");
    const rootUsers = new Map<number, UserName>();
    using opened = openPresence(rootUsers);
    const { presence, told, looks } = opened;

    await presence.look();
    expect([presence.rows(), told]).toEqual([[], []]); // whose it is is not known yet
    rootUsers.set(pid, userName(joe.name));
    await presence.look();
    const [row] = presence.rows();
    expect(presence.rows()).toEqual([
      {
        account: joe.name,
        daemon: "dropbear",
        pid,
        address: "127.0.0.1",
        port: expect.any(Number),
        sinceMs: expect.any(Number),
        denied: false,
      },
    ]);
    expect(row?.port).not.toBe(target.port);
    expect(Math.abs((row?.sinceMs ?? 0) - began)).toBeLessThan(10_000);

    const record: LoginRecord = {
      ...{ id: `ssh:${bootId()}:${pid}-${processStart(pid)}`, account: joe.name, service: "ssh" },
      ...{ keeper: "dropbear", began: row?.sinceMs ?? 0, ended: undefined },
      ...{ realAddress: `127.0.0.1:${row?.port}`, address4: "", address6: "", up: 0, down: 0, exact: false },
    };
    expect(told).toEqual([record]);
    await presence.look();
    expect(told).toEqual([record, record]); // the same, to the letter: the history sees no change

    through.destroy();
    child.kill("SIGKILL");
    await until("his process has ended", () => processStart(pid) === undefined);
    await presence.look();
    expect(presence.rows()).toEqual([]);
    expect(told.at(-1)).toEqual({ ...record, ended: expect.any(Number) });
    expect(looks.slice(-2)).toEqual(["sshd", "dropbear"]);
    await presence.look();
    expect(told).toHaveLength(3);
  });
});

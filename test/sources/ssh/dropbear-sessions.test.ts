import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { rmdirSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Cgroup, openCgroups } from "../../../src/kernel/cgroups.ts";
import { openSockets } from "../../../src/kernel/open-sockets.ts";
import { processStart } from "../../../src/kernel/process.ts";
import type { Endpoint, SocketTable } from "../../../src/kernel/sockets.ts";
import type { UserName } from "../../../src/names.ts";
import { DropbearSessions, type SessionHands } from "../../../src/sources/ssh/dropbear-sessions.ts";
import { needs } from "../../support/requirements.ts";
import { type Account, addAccount, removeAccount } from "../../support/ssh-accounts.ts";
import { until } from "../../support/until.ts";
import { type Dropbear, startDropbear, startTarget } from "./dropbear.ts";

const missing = needs("root", "dropbear", "dropbearkey", "ssh", "sshpass", "ss", "useradd", "chpasswd");

/** Hands that keep a book of what they were told to do. */
function startHands() {
  const marked: [cgroup: string, user: UserName][] = [];
  const unmarked: string[] = [];
  const flows: { local: Endpoint; remote: Endpoint; user: UserName }[] = [];
  const refusals: Error[] = [];
  const hands: SessionHands = {
    markCgroup: async ({ name }: Cgroup, user) => {
      const refusal = refusals.pop();
      if (refusal) throw refusal;
      marked.push([name, user]);
    },
    unmarkCgroup: async ({ name }) => {
      unmarked.push(name);
    },
    markFlow: (local, remote, user) => {
      flows.push({ local, remote, user });
      return true;
    },
  };
  return { hands, marked, unmarked, flows, refusals };
}

describe.skipIf(missing)(`DropbearSessions${missing}`, { timeout: 60_000 }, () => {
  const parent = `sluice-test-${process.pid}`;
  let joe: Account;
  let amy: Account;

  beforeAll(async () => {
    joe = await addAccount({ shell: "/bin/sh" });
    amy = await addAccount({ shell: "/bin/sh" });
  });
  afterAll(async () => {
    for (const account of [joe, amy]) if (account) await removeAccount(account);
    const home = dirname(folderOf(cgroups().make("last")));
    for (const name of cgroups().list()) {
      await cgroups().kill(name);
      cgroups().remove(name);
    }
    rmdirSync(home);
  });

  async function watched(dropbear: Dropbear, differently: Partial<SocketTable> = {}) {
    const book = startHands();
    const sockets = openSockets();
    const options = {
      hands: book.hands,
      sockets: { ...sockets, ...differently },
      paths: [dropbear.log],
      journal: false,
      parent,
    };
    const sessions = await DropbearSessions.open(options);
    return {
      ...book,
      sessions,
      async [Symbol.asyncDispose]() {
        await sessions[Symbol.asyncDispose]();
        sockets[Symbol.dispose]();
      },
    };
  }
  const cgroups = () => openCgroups(parent);
  const folderOf = ({ nftPath }: Cgroup) => join("/sys/fs/cgroup", nftPath);
  const nameOf = (pid: number) => `${pid}-${processStart(pid)}`;
  const user = ({ name }: Account) => name as UserName;
  const inCgroup = (pid: number) =>
    until(`process ${pid} is in a cgroup of its own`, () => cgroups().pids(nameOf(pid)).includes(pid));

  test("puts a connection into a cgroup of its own when it is forked, whoever it will be", async () => {
    await using dropbear = await startDropbear();
    await using watch = await watched(dropbear);
    const { pid, socket } = await dropbear.knock();
    const name = nameOf(pid);
    await inCgroup(pid);
    expect(watch.marked).toEqual([]);
    expect(cgroups().pids(name)).toEqual([pid]);

    socket.destroy();
    await until("the connection has ended", () => cgroups().pids(name).length === 0 && !processStart(pid));
    await watch.sessions.upkeep();
    expect(cgroups().list()).not.toContain(name);
    expect(watch.unmarked).toEqual([name]);
  });

  test("maps the cgroup to who logged in, once, and what he opens is in it", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    await using watch = await watched(dropbear);
    const { pid, forwarded } = await dropbear.login(joe, target.port);
    const name = nameOf(pid);
    await until("the login is heard of", () => watch.marked.length > 0);
    expect(watch.marked).toEqual([[name, joe.name]]);
    expect(watch.sessions.sessionsOf(user(joe))).toMatchObject([{ pid, cgroup: { name, level: 2 } }]);

    const through = connect(forwarded, "127.0.0.1");
    await until("the tunnel reaches its target", () => target.accepted.length > 0);
    const filter = ["dport", "=", `:${target.port}`];
    const shown = execFileSync("ss", ["-tnH", "--cgroup", "state", "established", ...filter], {
      encoding: "utf8",
    });
    through.destroy();
    expect(shown).toContain(`/${parent}/${name}`);
    expect(watch.flows).toEqual([]); // the rule on its cgroup marks it
    expect(watch.sessions.notes()).toEqual([]);
  });

  test("ends all sessions of one user and no other's", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    await using watch = await watched(dropbear);
    const first = await dropbear.login(joe, target.port);
    const second = await dropbear.login(joe, target.port);
    const other = await dropbear.login(amy, target.port);
    await until("the logins are heard of", () => watch.marked.length === 3);

    const ended = [once(first.child, "exit"), once(second.child, "exit")];
    expect(await watch.sessions.end(user(joe))).toBe(2);
    await Promise.all(ended);
    expect(other.child.exitCode).toBeNull();
    expect(processStart(other.pid)).toBeDefined();

    expect(await watch.sessions.end(user(joe))).toBe(0);
    // A process that was killed is in its cgroup until the kernel is done with it.
    await until("his sessions are let go", async () => {
      await watch.sessions.upkeep();
      return watch.sessions.sessionsOf(user(joe)).length === 0;
    });
    expect(watch.sessions.sessionsOf(user(amy))).toHaveLength(1);
    expect(await watch.sessions.end("nobody-here" as UserName)).toBe(0);
  });

  test("finds who logged in before it was opened, and marks what he had open but not his client's connection", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    const { pid, forwarded } = await dropbear.login(joe, target.port);
    const stranger = await dropbear.knock();
    connect(forwarded, "127.0.0.1").on("error", () => undefined);
    await until("the tunnel reaches its target", () => target.accepted.length > 0);
    const from = { address: "127.0.0.1", port: target.accepted[0]?.remotePort };

    await using watch = await watched(dropbear);
    expect(watch.marked).toEqual([[nameOf(pid), joe.name]]);
    expect(cgroups().pids(nameOf(pid))).toEqual([pid]);
    expect(watch.flows).toEqual([
      { local: from, remote: { address: "127.0.0.1", port: target.port }, user: joe.name },
    ]);
    expect(cgroups().pids(nameOf(stranger.pid))).toEqual([stranger.pid]);
    expect(watch.sessions.notes()).toEqual([expect.stringContaining("no login line tells whose they are")]);

    await watch.sessions.upkeep();
    expect(watch.flows).toHaveLength(1);
    await watch.sessions.markAgain();
    expect(watch.flows).toHaveLength(2);
    expect(watch.marked).toHaveLength(2);
  });

  test("takes a client's connection for no flow of his, and his session for known, when the listener is gone", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    const { forwarded } = await dropbear.login(joe, target.port);
    connect(forwarded, "127.0.0.1").on("error", () => undefined);
    await until("the tunnel reaches its target", () => target.accepted.length > 0);
    await using watch = await watched(dropbear);
    expect(watch.flows).toMatchObject([{ remote: { port: target.port } }]);

    await dropbear.stop();
    using _ = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 5_000); // until it looks again
    await watch.sessions.upkeep();
    await watch.sessions.markAgain();
    expect(watch.flows.map(({ remote }) => remote.port)).toEqual([target.port, target.port]);
    expect(watch.sessions.notes()).toEqual([]);
  });

  test("marks what a remote forward from before accepts later: its sockets are those of the listening one", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    const { forwarded } = await dropbear.login(joe, target.port, "remote");
    await using watch = await watched(dropbear);
    expect(watch.flows).toEqual([]);
    const far = connect(forwarded, "127.0.0.1");
    await once(far, "connect");
    const from = far.localPort;
    await until("the tunnel reaches its target", () => target.accepted.length > 0);
    await watch.sessions.upkeep();
    far.destroy();
    expect(watch.flows).toEqual([
      {
        local: { address: "127.0.0.1", port: forwarded },
        remote: { address: "127.0.0.1", port: from },
        user: joe.name,
      },
    ]);
  });

  test("knows its sessions again after a restart, without asking for anything twice", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    const before = await watched(dropbear);
    const { pid } = await dropbear.login(joe, target.port);
    await until("the login is heard of", () => before.marked.length > 0);
    await before[Symbol.asyncDispose]();
    expect(cgroups().pids(nameOf(pid))).toEqual([pid]);

    await using after = await watched(dropbear);
    expect(after.marked).toEqual([[nameOf(pid), joe.name]]);
    expect(await after.sessions.end(user(joe))).toBe(1);
  });

  test("takes in the connections of a listener that was restarted, and keeps those of the old one", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    await using watch = await watched(dropbear);
    const old = await dropbear.login(joe, target.port);
    await until("the login is heard of", () => watch.marked.length === 1);
    await dropbear.restart();
    const fresh = await dropbear.login(amy, target.port);
    await until("the login is heard of", () => watch.marked.length === 2);
    expect(watch.marked[1]).toEqual([nameOf(fresh.pid), amy.name]);
    expect(watch.sessions.sessionsOf(user(joe))).toMatchObject([{ pid: old.pid }]);

    await using late = await watched(dropbear);
    expect(new Map(late.marked)).toEqual(new Map(watch.marked));
    expect(await late.sessions.end(user(joe))).toBe(1);
  });

  test.for([
    { name: "a connection the process does not hold", forge: (pid: number) => ({ pid, port: 9 }) },
    { name: "another process", forge: (_: number, port: number) => ({ pid: process.pid, port }) },
    { name: "no process", forge: (_: number, port: number) => ({ pid: 5_000_000, port }) },
    { name: "the listener", forge: (_: number, port: number, pid: number) => ({ pid, port }) },
  ])("does not believe a line that names $name", async ({ forge }) => {
    await using dropbear = await startDropbear();
    await using watch = await watched(dropbear);
    const { pid, socket } = await dropbear.knock();
    await inCgroup(pid);
    const ours = socket.localPort ?? 0;
    const tell = (name: string, told: { pid: number; port: number }) =>
      appendFile(
        dropbear.log,
        `[${told.pid}] Nov 21 05:51:27 Password auth succeeded for '${name}' from 127.0.0.1:${told.port}\n`,
      );
    await tell("forged", forge(pid, ours, dropbear.pid));
    await tell("joe", { pid, port: ours });
    await until("the true line is heard of", () => watch.marked.length > 0);
    expect(watch.marked).toEqual([[nameOf(pid), "joe"]]);
  });

  test.for([
    { name: "the connection was not seen", list: () => [] },
    {
      name: "the kernel did not answer",
      list: () => {
        throw new Error("EBUSY");
      },
    },
  ])("compares a line again a second later when $name, and not for ever", async ({ list }) => {
    await using dropbear = await startDropbear();
    using sockets = openSockets();
    let looks = 0;
    let blind = 1;
    const once = (ports: ReadonlySet<number>) => (++looks <= blind ? list() : sockets.list(ports));
    await using watch = await watched(dropbear, { list: once });
    const tell = async () => {
      const { pid, socket } = await dropbear.knock();
      const client = `127.0.0.1:${socket.localPort}`;
      await appendFile(
        dropbear.log,
        `[${pid}] Nov 21 05:51:27 Password auth succeeded for 'joe' from ${client}\n`,
      );
      return pid;
    };
    const pid = await tell();
    await until("the line is compared", () => looks === 1);
    expect(watch.marked).toEqual([]);
    await watch.sessions.upkeep();
    expect(watch.marked).toEqual([[nameOf(pid), "joe"]]);

    [looks, blind] = [0, 5];
    await tell();
    await until("the line is compared", () => looks === 1);
    for (let second = 0; second < 5; second++) await watch.sessions.upkeep();
    expect(looks).toBe(3);
    expect(watch.marked).toHaveLength(1);
  });

  test("never gives a session to a second user, and says that somebody tried", async () => {
    await using dropbear = await startDropbear();
    await using watch = await watched(dropbear);
    const { pid, socket } = await dropbear.knock();
    const client = `127.0.0.1:${socket.localPort}`;
    const line = (name: string) =>
      `[${pid}] Nov 21 05:51:27 Password auth succeeded for '${name}' from ${client}\n`;
    await appendFile(dropbear.log, line("joe") + line("joe"));
    await until("the login is heard of", () => watch.marked.length > 0);
    expect(watch.sessions.notes()).toEqual([]);
    await appendFile(dropbear.log, line("amy"));
    await until("the second name is heard of", () => watch.sessions.notes().length > 0);
    expect(watch.sessions.notes()).toEqual([expect.stringMatching(/^1 login lines named another user/)]);
    expect(watch.marked).toEqual([[nameOf(pid), "joe"]]);
    expect(watch.sessions.sessionsOf("amy" as UserName)).toEqual([]);
  });

  test("tries a mapping that the kernel refused again, and says so until it is done", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    await using watch = await watched(dropbear);
    watch.refusals.push(new Error("no such table"));
    const { pid } = await dropbear.login(joe, target.port);
    await until("the refusal is told of", () => watch.sessions.notes().length > 0);
    expect(watch.sessions.notes()).toEqual([expect.stringContaining("no such table")]);
    expect(watch.marked).toEqual([]);
    await watch.sessions.upkeep();
    expect(watch.marked).toEqual([[nameOf(pid), joe.name]]);
    expect(watch.sessions.notes()).toEqual([]);
  });

  test("removes the empty cgroups of an earlier run, but none whose process lives", async () => {
    await using dropbear = await startDropbear();
    cgroups().make("5000000-1");
    cgroups().make(nameOf(process.pid));
    await using watch = await watched(dropbear);
    expect(watch.unmarked).toContain("5000000-1");
    expect(cgroups().list()).not.toContain("5000000-1");
    expect(cgroups().list()).toContain(nameOf(process.pid));
  });

  test("says that nobody is heard of where the log is missing", async () => {
    await using dropbear = await startDropbear();
    const elsewhere = { ...dropbear, log: join(dropbear.folder, "missing.log") };
    await using watch = await watched(elsewhere);
    expect(watch.sessions.notes()).toEqual([
      expect.stringMatching(/cannot be read.*missing\.log: it does not exist yet, no journal$/),
    ]);
  });
});

/** What every SocketTable does, tried on live connections. */
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { SocketTable } from "../../src/kernel/sockets.ts";
import { type Connection, hasIPv6, isRoot, listen, start } from "./loopback.ts";
import { setMark } from "./mark.ts";

export function behavesAsSocketTable(name: "netlink" | "ss", open: () => SocketTable & Disposable): void {
  describe.for([
    { title: "IPv4", listener: "127.0.0.1", target: "127.0.0.1", needsIPv6: false },
    {
      title: "an IPv4 client of a dual-stack listener",
      listener: "::",
      target: "127.0.0.1",
      needsIPv6: true,
    },
    { title: "IPv6", listener: "::1", target: "::1", needsIPv6: true },
  ])(`find() by ${name}: $title`, ({ listener, target, needsIPv6 }) => {
    test.skipIf(needsIPv6 && !hasIPv6)("sees a connection from both ends (needs ::1 on lo)", async () => {
      await using loopback = await listen(listener);
      const { local, remote } = await loopback.connect(target);
      using table = open();

      const served = table.find(local, remote);
      const dialled = table.find(remote, local);

      expect(served).toMatchObject({ local, remote, uid: process.getuid?.() });
      expect(dialled).toMatchObject({ local: remote, remote: local });
      expect(served?.cookie).not.toBe(dialled?.cookie);
      expect(served?.inode).toBeGreaterThan(0);
    });
  });

  describe(`find() by ${name}`, () => {
    test("takes a mapped address for the IPv4 address it holds", async () => {
      await using loopback = await listen("127.0.0.1");
      const { local, remote } = await loopback.connect("127.0.0.1");
      using table = open();
      const mapped = { address: `::ffff:${remote.address}`, port: remote.port };
      expect(table.find({ address: "::ffff:7f00:1", port: local.port }, mapped)).toMatchObject({
        local,
        remote,
      });
    });

    test("does not take the listener for a connection that is not there", async () => {
      await using loopback = await listen("127.0.0.1");
      const { local, remote } = await loopback.connect("127.0.0.1");
      using table = open();
      expect(table.find(local, { address: "127.0.0.2", port: remote.port })).toBeUndefined();
      expect(table.find(local, { address: "127.0.0.1", port: 1 })).toBeUndefined();
    });

    test("finds nothing between ends of different families", async () => {
      await using loopback = await listen("127.0.0.1");
      const { local, remote } = await loopback.connect("127.0.0.1");
      using table = open();
      expect(table.find(local, { address: "::1", port: remote.port })).toBeUndefined();
    });

    test("does not see a connection that both sides have closed", async () => {
      await using loopback = await listen("127.0.0.1");
      const { local, remote, client, accepted } = await loopback.connect("127.0.0.1");
      using table = open();
      expect(table.find(local, remote)).toBeDefined();
      client.resume().end();
      accepted.resume().end();
      await Promise.all([once(client, "close"), once(accepted, "close")]);
      expect(table.find(local, remote)).toBeUndefined();
      expect(table.find(remote, local)).toBeUndefined();
    });

    test("refuses what is not an address", () => {
      using table = open();
      const end = { address: "127.0.0.1", port: 1 };
      expect(() => table.find({ address: "localhost", port: 1 }, end)).toThrow(RangeError);
    });
  });

  describe(`list() by ${name}`, () => {
    test("has the connections of the ports asked for and no listener", async () => {
      await using one = await listen("127.0.0.1");
      await using two = await listen("127.0.0.1");
      await using other = await listen("127.0.0.1");
      const first = await one.connect("127.0.0.1");
      const second = await two.connect("127.0.0.1");
      await other.connect("127.0.0.1");
      using table = open();

      expect(remotePorts(table, one.port)).toEqual([first.remote.port]);
      expect(remotePorts(table, one.port, two.port)).toEqual(
        [first.remote.port, second.remote.port].toSorted((a, b) => a - b),
      );
      expect(table.list(new Set())).toEqual([]);
    });

    test.skipIf(!hasIPv6)("has both families of a dual-stack listener (needs ::1 on lo)", async () => {
      await using loopback = await listen("::");
      await loopback.connect("127.0.0.1");
      await loopback.connect("::1");
      using table = open();
      const addresses = table.list(new Set([loopback.port])).map(({ remote }) => remote.address);
      expect(addresses.toSorted()).toEqual(["127.0.0.1", "::1"]);
    });
  });

  describe(`listOwnedBy() by ${name}`, () => {
    test("has this user's connections, no listener, and none of a user who has none", async () => {
      await using loopback = await listen("127.0.0.1");
      const { local, remote } = await loopback.connect("127.0.0.1");
      using table = open();
      const owned = table.listOwnedBy(process.getuid?.() ?? 0);
      expect(owned).toContainEqual(expect.objectContaining({ local, remote }));
      expect(owned.filter((socket) => socket.remote.port === 0)).toEqual([]);
      expect(table.listOwnedBy(4_000_000_000)).toEqual([]);
    });

    test.skipIf(!isRoot || !hasIPv6)(
      "has another user's connections of both families and nobody else's (needs root, ::1 on lo)",
      async () => {
        await using loopback = await listen("::");
        const uid = 61_000 + Math.floor(Math.random() * 4000);
        const target = [`${loopback.port}`, "127.0.0.1", "::1"];
        await using user = start("connect-as.ts", `${uid}`, ...target);
        await using neighbour = start("connect-as.ts", `${uid + 1}`, ...target);
        const ports = JSON.parse(await user.line()) as number[];
        await neighbour.line();
        using table = open();
        const owned = table.listOwnedBy(uid);
        expect(sorted(owned.map(({ local }) => local.port))).toEqual(sorted(ports));
        expect(owned.map(({ local }) => local.address).toSorted()).toEqual(["127.0.0.1", "::1"]);
        expect(new Set(owned.map((socket) => socket.uid))).toEqual(new Set([uid]));
      },
    );
  });

  describe(`listMarked() by ${name}`, () => {
    test.skipIf(!isRoot || !hasIPv6)(
      "has the sockets whose mark is this below the mask, of both families (needs root, ::1 on lo)",
      async () => {
        await using loopback = await listen("::");
        const marks = [0x51e7c308, 0x51e7c309, 0x51e7c310, 0xf1e7c308, 0];
        const ports = new Map<number, number[]>();
        for (const mark of marks) {
          const connections = [await loopback.connect("127.0.0.1"), await loopback.connect("::1")];
          for (const { client } of connections) setMark(client, mark);
          ports.set(
            mark,
            connections.map(({ remote }) => remote.port),
          );
        }
        const of = (...wanted: number[]) => sorted(wanted.flatMap((mark) => ports.get(mark) ?? []));
        using table = open();
        const found = (mark: number, mask: number) =>
          sorted(table.listMarked(mark, mask).map(({ local }) => local.port));

        expect(found(0x51e7c308, 0xffffffff)).toEqual(of(0x51e7c308));
        expect(found(0x51e7c308, 0xfffffff8)).toEqual(of(0x51e7c308, 0x51e7c309));
        expect(found(0x51e7c30f, 0xfffffff8)).toEqual(of(0x51e7c308, 0x51e7c309));
        expect(found(0xf1e7c308, 0xffffffff)).toEqual(of(0xf1e7c308));
        expect(found(0x51e7c318, 0xffffffff)).toEqual([]);
      },
    );

    test("says that nobody is shown marks without CAP_NET_ADMIN", async () => {
      await using program = start("list-marked-as-nobody.ts", name);
      expect(await program.line()).toMatch(/^KernelUnavailableError: .*CAP_NET_ADMIN/);
    });
  });

  describe.skipIf(!isRoot)(`destroy() by ${name} (needs root)`, () => {
    test("resets one connection and leaves its neighbour alone", async () => {
      await using loopback = await listen("127.0.0.1");
      const victim = await loopback.connect("127.0.0.1");
      const neighbour = await loopback.connect("127.0.0.1");
      using table = open();
      const socket = table.find(victim.local, victim.remote);
      if (!socket) throw new Error("Cannot destroy the connection: it was not found");

      const [atClient, atServer] = [errorAt(victim.client), errorAt(victim.accepted)];
      expect(table.destroy(socket)).toBe("destroyed");

      expect(await atClient).toBe("ECONNRESET");
      expect(await atServer).toBe("ECONNABORTED");
      expect(await delivers(neighbour)).toBe(true);
      expect(table.destroy(socket)).toBe("gone");
    });

    test("calls a socket gone whose cookie another one's ends have now", async () => {
      await using loopback = await listen("127.0.0.1");
      const connection = await loopback.connect("127.0.0.1");
      using table = open();
      const socket = table.find(connection.local, connection.remote);
      if (!socket) throw new Error("Cannot destroy the connection: it was not found");

      expect(table.destroy({ ...socket, cookie: socket.cookie + 1_000_000n })).toBe("gone");
      expect(await delivers(connection)).toBe(true);
    });

    test.skipIf(!hasIPv6)("ends a mapped and an IPv6 connection (needs ::1 on lo)", async () => {
      await using loopback = await listen("::");
      using table = open();
      for (const target of ["127.0.0.1", "::1"]) {
        const { client, accepted, local, remote } = await loopback.connect(target);
        const [atClient, atServer] = [errorAt(client), errorAt(accepted)];
        const socket = table.find(local, remote);
        expect(socket && table.destroy(socket)).toBe("destroyed");
        expect(await Promise.all([atClient, atServer])).toEqual(["ECONNRESET", "ECONNABORTED"]);
      }
    });
  });

  describe(`destroy() by ${name}`, () => {
    test("says that it may not, without CAP_NET_ADMIN, and the connection lives on", async () => {
      await using loopback = await listen("127.0.0.1");
      const connection = await loopback.connect("127.0.0.1");
      const { local, remote } = connection;
      const ends = [local.address, `${local.port}`, remote.address, `${remote.port}`];
      await using program = start("destroy-as-nobody.ts", name, ...ends);

      expect(await program.line()).toMatch(
        /^KernelUnavailableError: Cannot end the connection .*CAP_NET_ADMIN/,
      );
      expect(await delivers(connection)).toBe(true);
    });
  });
}

function remotePorts(table: SocketTable, ...ports: number[]): number[] {
  return table
    .list(new Set(ports))
    .map(({ remote }) => remote.port)
    .toSorted((a, b) => a - b);
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

async function errorAt(socket: Connection["client"]): Promise<string | undefined> {
  const [error] = (await once(socket.resume(), "error")) as [NodeJS.ErrnoException];
  return error.code;
}

async function delivers({ client, accepted }: Connection): Promise<boolean> {
  const arrived = once(client, "data") as Promise<[Buffer]>;
  accepted.write("still here");
  return (await arrived)[0].toString() === "still here";
}

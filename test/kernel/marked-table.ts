/** What every SocketTable knows of and does to sockets by their mark, tried on live ones. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { SocketTable } from "../../src/kernel/sockets.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type Connection, hasIPv6, listen, start, startCommand } from "./loopback.ts";
import { setMark } from "./mark.ts";
import { openMarkedUdp } from "./marked-udp.ts";

const ALL = 0xffffffff;
const noRoot = needs("root");
const noNetwork = needs("root", "unshare", "ip");

export function knowsMarkedSockets(name: "netlink" | "ss", open: () => SocketTable & Disposable): void {
  /** Of this file in this process alone, so that others may run beside it. */
  const mark = (index: number) =>
    (0x40000000 | ((process.pid & 0xffff) << 12) | (name === "ss" ? 0x800 : 0) | index) >>> 0;

  describe.skipIf(noRoot || !hasIPv6)(`flowsMarked() by ${name} (needs root, ::1 on lo)`, () => {
    test("says how far each flow has come, at both of its ends", async () => {
      await using loopback = await listen("::");
      const timestamps = readFileSync("/proc/sys/net/ipv4/tcp_timestamps", "utf8").trim() !== "0";
      using table = open();
      for (const [index, [target, family]] of (
        [
          ["127.0.0.1", 4],
          ["::1", 6],
        ] as const
      ).entries()) {
        const { client, accepted, local, remote } = await loopback.connect(target);
        const [dialled, served] = [mark(10 + index), mark(20 + index)];
        setMark(client, dialled);
        setMark(accepted, served);
        const flowOf = (which: number) => {
          const [flow, ...others] = table.flowsMarked(which, ALL);
          expect(others).toEqual([]);
          if (!flow) throw new Error(`Cannot look at the flow: none has the mark ${which}`);
          return flow;
        };

        expect(flowOf(dialled)).toMatchObject({
          ...{ family, timestamps },
          received: 0,
          unread: 0,
          unsent: 0,
        });
        expect(flowOf(dialled).socket).toMatchObject({ local: remote, remote: local });
        expect(flowOf(served)).toMatchObject({ ...{ family, timestamps }, received: 0, acknowledged: 0 });

        client.allowHalfOpen = true;
        accepted.end(Buffer.alloc(12_345)); // and a FIN
        await once(client.resume(), "end");
        // What dials has its SYN acknowledged; a FIN counts on both sides.
        await until("the client acknowledges everything", () => flowOf(served).unsent === 0);
        expect(flowOf(dialled)).toMatchObject({ received: 12_346, unread: 0, acknowledged: 1 });
        expect(flowOf(served)).toMatchObject({ received: 0, acknowledged: 12_346 });
      }
    });

    test("says what waits in the sockets when the reader does not read", async () => {
      await using loopback = await listen("127.0.0.1");
      const { client, accepted } = await loopback.connect("127.0.0.1");
      setMark(client, mark(30));
      setMark(accepted, mark(31));
      using table = open();
      const [ours, theirs] = [
        () => table.flowsMarked(mark(30), ALL)[0],
        () => table.flowsMarked(mark(31), ALL)[0],
      ];
      accepted.pause();
      client.write(Buffer.alloc(64 << 20)); // more than both buffers hold
      let before = -1;
      await until("the flow stands still", () => {
        const stands = theirs()?.received === before && before > 0;
        before = theirs()?.received ?? 0;
        return stands && ours()?.acknowledged === before + 1; // the SYN; the last acknowledgement may be delayed
      });

      const read = accepted.bytesRead;
      expect(theirs()).toMatchObject({ unread: before - read, acknowledged: 0 });
      expect(before - read).toBeGreaterThan(0);
      expect(ours()).toMatchObject({ received: 0, unread: 0 });
      expect(ours()?.unsent).toBeGreaterThan(0);
    });

    test("sees marks as listMarked() does, and says nothing of a mark nobody has", async () => {
      await using loopback = await listen("127.0.0.1");
      for (const index of [40, 41, 56]) setMark((await loopback.connect("127.0.0.1")).client, mark(index));
      using table = open();
      const mask = 0xfffffff0;
      expect(table.flowsMarked(mark(40), mask).map(({ socket }) => socket)).toEqual(
        table.listMarked(mark(40), mask),
      );
      expect(table.flowsMarked(mark(40), mask)).toHaveLength(2);
      expect(table.flowsMarked(mark(47), ALL)).toEqual([]);
    });
  });

  describe(`figuresOf() by ${name}`, () => {
    test("has the figures of a socket, marked or not, until it is gone", async () => {
      await using loopback = await listen("127.0.0.1");
      const { client, accepted, local, remote } = await loopback.connect("127.0.0.1");
      using table = open();
      const socket = table.find(remote, local);
      if (!socket) throw new Error("Cannot look at the figures: no socket was found");
      accepted.write(Buffer.alloc(777));
      await once(client, "data");

      expect(table.figuresOf(socket)).toMatchObject({ received: 777, unread: 0, unsent: 0, acknowledged: 1 });
      expect(table.figuresOf({ ...socket, cookie: socket.cookie + 1_000_000n })).toBeUndefined();
      client.end();
      accepted.end();
      await Promise.all([once(client, "close"), once(accepted, "close")]);
      expect(table.figuresOf(socket)).toBeUndefined();
    });
  });

  describe.skipIf(noRoot || !hasIPv6)(`listMarkedUdp() by ${name} (needs root, ::1 on lo)`, () => {
    test("has connected and unconnected sockets of both families, and what waits in them", async () => {
      await using any = openMarkedUdp("0.0.0.0", mark(60));
      await using dual = openMarkedUdp("::", mark(60));
      await using connected = openMarkedUdp("127.0.0.1", mark(60));
      await using other = openMarkedUdp("127.0.0.1", mark(61));
      connected.socket.connect(any.port, "127.0.0.1");
      await once(connected.socket, "connect");
      using table = open();

      const found = table.listMarkedUdp(mark(60), ALL);
      expect(found.toSorted((a, b) => a.local.address.localeCompare(b.local.address))).toEqual(
        [
          { local: { address: "0.0.0.0", port: any.port }, remote: undefined },
          {
            local: { address: "127.0.0.1", port: connected.port },
            remote: { address: "127.0.0.1", port: any.port },
          },
          { local: { address: "::", port: dual.port }, remote: undefined },
        ]
          .toSorted((a, b) => a.local.address.localeCompare(b.local.address))
          .map((ends) => expect.objectContaining({ ...ends, uid: 0, unread: 0 })),
      );
      expect(new Set(found.map(({ cookie }) => cookie)).size).toBe(3);
      expect(table.listMarkedUdp(mark(61), ALL)).toMatchObject([{ local: { port: other.port } }]);
      // Sent and looked at in one go: nobody has read it by then.
      other.send(Buffer.alloc(100), "127.0.0.1", dual.port);
      const waiting = table.listMarkedUdp(mark(60), ALL).find(({ local }) => local.port === dual.port);
      expect(waiting?.unread).toBeGreaterThanOrEqual(100);
    });
  });

  describe.skipIf(noRoot || !hasIPv6)(`destroyMarked() by ${name} (needs root, ::1 on lo)`, () => {
    test("ends connections of both families and nobody else's", async () => {
      await using loopback = await listen("::");
      const victims = [await loopback.connect("127.0.0.1"), await loopback.connect("::1")];
      const mapped = await loopback.connect("127.0.0.1");
      const neighbours = [await loopback.connect("127.0.0.1"), await loopback.connect("::1")];
      for (const { client } of victims) setMark(client, mark(70));
      setMark(mapped.accepted, mark(71)); // a mapped IPv4 socket
      for (const { client } of neighbours) setMark(client, mark(79));
      const told = [...victims.map(({ accepted }) => accepted), mapped.client].map(errorOf);
      const own = [...victims.map(({ client }) => client), mapped.accepted].map(errorOf);
      using table = open();

      expect(table.destroyMarked(mark(70), 0xfffffffe)).toEqual({ tcp: 3, udp: 0 });
      expect(await Promise.all(told)).toEqual(["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
      expect(await Promise.all(own)).toEqual(["ECONNABORTED", "ECONNABORTED", "ECONNABORTED"]);
      expect(table.listMarked(mark(70), 0xfffffffe)).toEqual([]);
      for (const { client, accepted } of neighbours) {
        const arrived = once(client, "data");
        accepted.write("still here");
        expect(String(await arrived)).toBe("still here");
      }
      expect(table.destroyMarked(mark(70), 0xfffffffe)).toEqual({ tcp: 0, udp: 0 });
    });

    test.for([
      { title: "at any IPv4 address", address: "0.0.0.0" },
      { title: "at one IPv4 address", address: "127.0.0.1" },
      { title: "of both families", address: "::" },
      { title: "at one IPv6 address", address: "::1" },
    ])("tells a process whose UDP socket is $title, at a port the kernel chose", async ({ address }) => {
      await using socket = openMarkedUdp(address, mark(80));
      await using neighbour = openMarkedUdp(address, mark(81));
      using table = open();

      expect(table.destroyMarked(mark(80), ALL)).toEqual({ tcp: 0, udp: 1 });
      expect(await socket.error()).toMatch(/ECONNABORTED/);
      expect(table.listMarkedUdp(mark(80), ALL)).toEqual([]);
      expect(table.listMarkedUdp(mark(81), ALL)).toMatchObject([{ local: { port: neighbour.port } }]);
    });

    test("disconnects a connected UDP socket", async () => {
      await using peer = openMarkedUdp("127.0.0.1", mark(83));
      await using socket = openMarkedUdp("127.0.0.1", mark(82));
      socket.socket.connect(peer.port, "127.0.0.1");
      await once(socket.socket, "connect");
      using table = open();

      expect(table.destroyMarked(mark(82), ALL)).toEqual({ tcp: 0, udp: 1 });
      expect(await socket.error()).toMatch(/ECONNABORTED/);
      expect(table.listMarkedUdp(mark(82), ALL)).toEqual([]);
    });

    test("takes a UDP socket that chose its port for ended, though it stays", async () => {
      const port = await freePort();
      await using socket = openMarkedUdp("127.0.0.1", mark(84), { port });
      using table = open();

      expect(table.destroyMarked(mark(84), ALL)).toEqual({ tcp: 0, udp: 1 });
      expect(await socket.error()).toMatch(/ECONNABORTED/);
      expect(table.listMarkedUdp(mark(84), ALL)).toMatchObject([{ local: { port } }]);
    });

    test("leaves out a connection that its process has closed and that has nothing left to deliver", async () => {
      await using loopback = await listen("127.0.0.1");
      const { client, accepted } = await loopback.connect("127.0.0.1");
      setMark(client, mark(86));
      accepted.allowHalfOpen = true;
      client.destroy();
      await once(accepted.resume(), "end");
      using table = open();

      await until("all is delivered", () => table.listMarked(mark(86), ALL).length === 0);
      expect(table.destroyMarked(mark(86), ALL)).toEqual({ tcp: 0, udp: 0 });
      expect(accepted.destroyed).toBe(false);
    });

    test("says which sockets it could not end, and has ended the others", async () => {
      const shared = { shared: true, port: await freePort() };
      await using first = openMarkedUdp("127.0.0.1", mark(85), shared);
      await using second = openMarkedUdp("127.0.0.1", mark(85), shared);
      await using loopback = await listen("127.0.0.1");
      const victim = await loopback.connect("127.0.0.1");
      setMark(victim.client, mark(85));
      const told = Promise.all([victim.accepted, victim.client].map(errorOf));
      using table = open();

      expect(() => table.destroyMarked(mark(85), ALL)).toThrow(/1 of them live on: .*port of its own/);
      expect(await told).toEqual(["ECONNRESET", "ECONNABORTED"]);
      expect(await Promise.race([first.error(), second.error()])).toMatch(/ECONNABORTED/);
    });
  });

  test.skipIf(noNetwork)(
    `destroyMarked() by ${name} ends a connection that is only dialled${noNetwork}`,
    async () => {
      const program = `${import.meta.dirname}/programs/destroy-dialling.ts`;
      await using dialler = startCommand("unshare", ["--net", process.execPath, program, name]);
      expect(JSON.parse(await dialler.line())).toEqual({
        ...{ carrying: 0, ended: { tcp: 1, udp: 0 }, code: "ECONNABORTED" },
      });
    },
  );

  test(`destroyMarked() by ${name} says that it takes CAP_NET_ADMIN`, async () => {
    await using program = start("destroy-marked-as-nobody.ts", name, `${mark(90)}`);
    expect(await program.line()).toMatch(/^KernelUnavailableError: .*CAP_NET_ADMIN/);
  });
}

async function freePort(): Promise<number> {
  await using socket = openMarkedUdp("127.0.0.1", 0);
  return socket.port;
}

async function errorOf(socket: Connection["client"]): Promise<string | undefined> {
  const [error] = (await once(socket.resume(), "error")) as [NodeJS.ErrnoException];
  return error.code;
}

import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { checked, libc } from "../../src/kernel/libc.ts";
import { openSocketTable } from "../../src/kernel/sock-diag.ts";
import { isRoot, listen } from "./loopback.ts";
import { knowsMarkedSockets } from "./marked-table.ts";
import { behavesAsSocketTable } from "./socket-table.ts";

behavesAsSocketTable("netlink", openSocketTable);
knowsMarkedSockets("netlink", openSocketTable);

describe("list() by netlink", () => {
  test("has every connection when the answer comes in many datagrams", async () => {
    await using loopback = await listen("127.0.0.1");
    const ports = new Set<number>();
    for (let index = 0; index < 600; index += 1) ports.add((await loopback.connect("127.0.0.1")).remote.port);
    using table = openSocketTable();
    const sockets = table.list(new Set([loopback.port]));
    expect(sockets).toHaveLength(600);
    expect(new Set(sockets.map(({ remote }) => remote.port))).toEqual(ports);
    expect(new Set(sockets.map(({ cookie }) => cookie)).size).toBe(600);
  });
});

describe.skipIf(!isRoot)("destroy() by netlink (needs root)", () => {
  test("ends a connection whose socket is bound to a network device", async () => {
    await using loopback = await listen("127.0.0.1");
    bindToDevice(loopback.server as unknown as { _handle: { fd: number } }, "lo");
    const { client, accepted, local, remote } = await loopback.connect("127.0.0.1");
    using table = openSocketTable();

    expect(table.find(local, remote)).toBeUndefined();
    const socket = table.list(new Set([local.port])).find((it) => it.remote.port === remote.port);
    const reset = Promise.all([once(client, "error"), once(accepted as Socket, "error")]);
    expect(socket && table.destroy(socket)).toBe("destroyed");
    await reset;
    expect(socket && table.destroy(socket)).toBe("gone");
  });
});

function bindToDevice(server: { _handle: { fd: number } }, device: string): void {
  const [SOL_SOCKET, SO_BINDTODEVICE] = [1, 25];
  const name = Buffer.from(`${device}\0`);
  const calls = libc();
  const result = calls.setsockopt(server._handle.fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length);
  checked(calls, result, `Cannot bind to ${device}`);
}

import { fstatSync } from "node:fs";
import type { Server } from "node:net";
import { describe, expect, test } from "vitest";
import { listenerInode } from "../../src/kernel/listeners.ts";
import { hasIPv6, listen } from "./loopback.ts";

describe("listenerInode()", () => {
  test("finds a listener among more of them than one read holds", async () => {
    await using stack = new AsyncDisposableStack();
    // A line takes 150 bytes, a read 64 KiB: 500 listeners are more than one.
    const loopbacks = [];
    for (let index = 0; index < 500; index += 1) loopbacks.push(stack.use(await listen("127.0.0.1")));
    for (const { server, port } of [loopbacks[0], loopbacks[250], loopbacks[499]].filter(
      (it) => it !== undefined,
    )) {
      expect(listenerInode("127.0.0.1", port)).toBe(inodeOf(server));
    }
  });

  test.skipIf(!hasIPv6)("does not take IPv4's wildcard for IPv6's (needs ::1 on lo)", async () => {
    await using four = await listen("0.0.0.0");
    await using both = await listen("::");
    expect(listenerInode("::1", four.port)).toBeUndefined();
    expect(listenerInode("127.0.0.1", four.port)).toBe(inodeOf(four.server));
    expect(listenerInode("::1", both.port)).toBe(inodeOf(both.server));
    expect(listenerInode("192.0.2.1", both.port)).toBe(inodeOf(both.server));
  });
});

function inodeOf(server: Server): number {
  return fstatSync((server as unknown as { _handle: { fd: number } })._handle.fd).ino;
}

import { describe, expect, test } from "vitest";
import { openSocketTable } from "../../src/kernel/sock-diag.ts";
import { openSsTable } from "../../src/kernel/ss-command.ts";
import { hasSs, listen } from "./loopback.ts";
import { knowsMarkedSockets } from "./marked-table.ts";
import { behavesAsSocketTable } from "./socket-table.ts";

describe.skipIf(!hasSs)("the ss command (needs iproute2)", () => {
  behavesAsSocketTable("ss", openSsTable);
  knowsMarkedSockets("ss", openSsTable);

  test("gives the answers netlink gives", async () => {
    await using loopback = await listen("127.0.0.1");
    const { local, remote } = await loopback.connect("127.0.0.1");
    using bySs = openSsTable();
    using byNetlink = openSocketTable();
    const socket = bySs.find(local, remote);
    if (!socket) throw new Error("Cannot compare the answers: ss found no socket");
    expect(byNetlink.find(local, remote)).toMatchObject(socket);
    expect(bySs.list(new Set([local.port]))).toEqual([socket]);
  });
});

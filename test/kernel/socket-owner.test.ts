import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { openSocketTable } from "../../src/kernel/sock-diag.ts";
import { listenerPid, ownerOfInode, peerProcess } from "../../src/kernel/socket-owner.ts";
import { hasIPv6, isRoot, listen, start } from "./loopback.ts";

const WAYS = [
  { name: "IPv4", listener: "127.0.0.1", target: "127.0.0.1" },
  { name: "IPv4 on all addresses", listener: "0.0.0.0", target: "127.0.0.1" },
  ...(hasIPv6
    ? [
        { name: "IPv6", listener: "::1", target: "::1" },
        { name: "IPv4 of a dual-stack listener", listener: "::", target: "127.0.0.1" },
        { name: "IPv6 of a dual-stack listener", listener: "::", target: "::1" },
      ]
    : []),
];

describe("peerProcess() and listenerPid()", () => {
  test.for(WAYS)("name the process that serves us: $name", async ({ listener, target }) => {
    await using server = start("listen.ts", listener);
    const port = Number(await server.line());
    const client = connect(port, target);
    await once(client, "data");
    const local = { address: target, port: client.localPort ?? 0 };
    const remote = { address: target, port };
    using table = openSocketTable();

    expect(peerProcess(local, remote, table)).toBe(server.pid);
    expect(peerProcess(remote, local, table)).toBe(process.pid);
    expect(listenerPid(target, port)).toBe(server.pid);
    client.destroy();
  });

  test("know nobody where there is no such socket", async () => {
    await using loopback = await listen("127.0.0.1");
    const { local, remote } = await loopback.connect("127.0.0.1");
    using table = openSocketTable();
    expect(peerProcess({ address: "127.0.0.1", port: 1 }, local, table)).toBeUndefined();
    // The client's port is connected, not listening; and the listener is bound to another address.
    expect(listenerPid("127.0.0.1", remote.port)).toBeUndefined();
    expect(listenerPid("127.0.0.2", local.port)).toBeUndefined();
    expect(listenerPid("127.0.0.1", local.port)).toBe(process.pid);
  });
});

describe("ownerOfInode()", () => {
  test("knows no owner of inode 0, which stands for none", () => {
    expect(ownerOfInode(0)).toBeUndefined();
  });

  test.skipIf(!isRoot)("is undefined to another user (needs root)", async () => {
    await using loopback = await listen("127.0.0.1");
    const { local, remote } = await loopback.connect("127.0.0.1");
    using table = openSocketTable();
    const inode = table.find(local, remote)?.inode ?? 0;
    expect(ownerOfInode(inode)).toBe(process.pid);
    await using program = start("look-as-nobody.ts", `${process.pid}`, `${inode}`);
    expect(JSON.parse(await program.line())).toMatchObject({ owner: "unknown" });
  });
});

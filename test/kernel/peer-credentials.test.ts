import { once } from "node:events";
import { chmod, mkdtempDisposable } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { peerCredentials } from "../../src/kernel/peer-credentials.ts";
import { isRoot, listen, start } from "./loopback.ts";

describe("peerCredentials()", () => {
  test("names the process and user of a client", async () => {
    await using place = await unixServer();
    await using client = start("connect-unix.ts", place.path);
    const [socket] = (await once(place.server, "connection")) as [Socket];
    expect(peerCredentials(socket)).toEqual({
      pid: client.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    socket.destroy();
  });

  test.skipIf(!isRoot)("names another user (needs root)", async () => {
    await using place = await unixServer();
    await using client = start("connect-unix.ts", place.path, "nobody");
    const [socket] = (await once(place.server, "connection")) as [Socket];
    expect(peerCredentials(socket)).toEqual({ pid: client.pid, uid: 65_534, gid: 65_534 });
    socket.destroy();
  });

  test("names the server to a client of ours", async () => {
    await using place = await unixServer();
    const client = connect(place.path);
    await once(client, "connect");
    expect(peerCredentials(client).pid).toBe(process.pid);
    client.destroy();
  });

  test("refuses a closed socket, which names nobody", async () => {
    await using place = await unixServer();
    const client = connect(place.path);
    await once(client, "connect");
    client.destroy();
    expect(() => peerCredentials(client)).toThrow(TypeError);
  });

  test("refuses a TCP socket, whose peer the kernel does not know", async () => {
    await using loopback = await listen("127.0.0.1");
    const { accepted } = await loopback.connect("127.0.0.1");
    expect(() => peerCredentials(accepted)).toThrow(TypeError);
  });
});

async function unixServer() {
  const directory = await mkdtempDisposable(join(tmpdir(), "sluice-peer-"));
  await chmod(directory.path, 0o755);
  const path = join(directory.path, "socket");
  const server = createServer().listen({ path, writableAll: true });
  await once(server, "listening");
  return {
    path,
    server,
    async [Symbol.asyncDispose]() {
      server.close();
      await directory.remove();
    },
  };
}

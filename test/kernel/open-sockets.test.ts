import { expect, test } from "vitest";
import { openSockets } from "../../src/kernel/open-sockets.ts";
import { listen } from "./loopback.ts";

// Without koffi it takes `ss`, without both it says so: libc.test.ts, in a copy that has no packages.
test("openSockets() takes netlink where it can: a socket's device shows", async () => {
  await using loopback = await listen("127.0.0.1");
  const { local, remote } = await loopback.connect("127.0.0.1");
  using table = openSockets();
  expect(table.find(local, remote)).toMatchObject({ local, remote, device: 0 });
});

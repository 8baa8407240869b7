import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Connections } from "../../../src/enforcement/xray/connections.ts";
import { openSockets } from "../../../src/kernel/open-sockets.ts";
import type { UserName } from "../../../src/names.ts";
import { until } from "../../support/until.ts";

const JOE = "joe" as UserName;
const AMY = "amy" as UserName;
const MIB = 1 << 20;

/** A connection from a client of this host to a port of this host, and the log line an engine would write of it. */
async function connection() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect(port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  onTestFinished(() => {
    for (const socket of [client, accepted]) socket.destroy();
    server.close();
  });
  client.resume();
  const line = (user: UserName) => ({
    ...{ user, network: "tcp" as const, destination: undefined, inbound: "in", outbound: "direct" },
    client: { address: "127.0.0.1", port: (client.address() as AddressInfo).port },
  });
  return { port, client, accepted, line };
}

function connectionsAt(port: number, counted: ReadonlyMap<UserName, number>): Connections {
  const sockets = openSockets();
  onTestFinished(() => sockets[Symbol.dispose]());
  return new Connections(
    sockets,
    () => [port],
    (user) => counted.get(user) ?? 0,
  );
}

test("what a user's open connections were sent and the engine has not counted is told, about", async () => {
  const { port, client, accepted, line } = await connection();
  const counted = new Map([[JOE, 5 * MIB]]);
  const connections = connectionsAt(port, counted);
  connections.note(line(JOE));
  accepted.write(Buffer.alloc(3 * MIB));
  await until("all has arrived", () => client.bytesRead === 3 * MIB);

  await until("all is acknowledged", () => connections.unreportedOf(JOE) >= 3 * MIB);
  expect(connections.unreportedOf(JOE)).toBeLessThan(3 * MIB + 100);
  counted.set(JOE, 7 * MIB);
  expect(connections.unreportedOf(JOE)).toBeLessThan(MIB + 100);
  counted.set(JOE, 8 * MIB + 100);
  expect(connections.unreportedOf(JOE)).toBe(0);
  expect(connections.unreportedOf(AMY)).toBe(0);
});

test("a connection that several users came over is nobody's download", async () => {
  const { port, client, accepted, line } = await connection();
  const connections = connectionsAt(port, new Map());
  connections.note(line(JOE));
  connections.note(line(AMY));
  accepted.write(Buffer.alloc(MIB));
  await until("all has arrived", () => client.bytesRead === MIB);
  expect(connections.unreportedOf(JOE)).toBe(0);
});

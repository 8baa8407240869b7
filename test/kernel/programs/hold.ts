/**
 * Holds a server that lies in a cgroup of its own, and tells what got through:
 * run inside a network namespace, where nft may do what it likes.
 *
 * The server is this process, which is in that cgroup only while it opens its
 * listeners: what they accept belongs to the cgroup as well. Every packet on the
 * loopback has arrived or is lost when an exchange on another connection is over.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { cgroupMountIn } from "../../../src/kernel/cgroup-mount.ts";
import { openCgroupQueues } from "../../../src/kernel/cgroup-queues.ts";
import { openCgroups } from "../../../src/kernel/cgroups.ts";
import { drainScript } from "../../../src/kernel/hold-script.ts";
import { openHold, removeHolds } from "../../../src/kernel/hold-table.ts";
import { loadScript, tableNames } from "../../../src/kernel/nft-command.ts";
import { execute } from "../../support/namespaces.ts";
import { until } from "../../support/until.ts";

const NO_SUCH_PID = 4_194_305;
const [address = "127.0.0.1"] = process.argv.slice(2);
await execute("ip", ["link", "set", "lo", "up"]);
const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8")) ?? "";
const home = join(mount, readFileSync("/proc/self/cgroup", "utf8").split("0::")[1]?.trim() ?? "");
const parent = `sluice-test-${randomBytes(4).toString("hex")}`;
const cgroups = openCgroups(parent);
const cgroup = cgroups.make("engine.service");

interface Far {
  readonly port: number;
  readonly server: Server;
  readonly accepted: Socket[];
  /** Bytes that arrived on all connections. */
  received: number;
}

try {
  cgroups.moveInto("engine.service", process.pid);
  const [held, api] = [await listen(), await listen()];
  const datagrams = createSocket(address.includes(":") ? "udp6" : "udp4");
  datagrams.bind(0, address);
  await once(datagrams, "listening");
  let datagramsReceived = 0;
  datagrams.on("message", () => (datagramsReceived += 1));
  writeFileSync(join(home, "cgroup.procs"), `${process.pid}`);
  const neighbour = await listen();

  const toApi = await dial(api);
  const toNeighbour = await dial(neighbour);
  const client = await dial(held);
  const [served] = held.accepted as [Socket];
  let fetched = 0;
  client.on("data", (bytes) => (fetched += bytes.length));
  const settle = async () => {
    await exchange(toApi, api);
    await exchange(toNeighbour, neighbour);
  };
  const sender = createSocket(address.includes(":") ? "udp6" : "udp4");
  const { port: datagramPort } = datagrams.address();
  const tellAll = async () => {
    client.write("x");
    client.write(Buffer.alloc(100_000));
    await new Promise((resolve) => sender.send("x", datagramPort, address, resolve));
    await settle();
    return { received: held.received, datagrams: datagramsReceived };
  };

  const before = await tellAll();
  await until("all arrived", () => held.received === 100_001);
  using queues = openCgroupQueues(cgroup.id, api.port);
  const quiet = queues.read();

  const hold = await openHold(cgroup, api.port);
  const during = await tellAll();
  served.write(Buffer.alloc(200_000));
  await until("the server's bytes came", () => fetched === 200_000);
  await until("all is acknowledged", () => queues.read() === 0);
  const late = connect(held.port, address);
  late.on("error", () => undefined);
  await settle();
  const lateBefore = held.accepted.length;

  await hold.stop();
  served.write(Buffer.alloc(10_000));
  await settle();
  const unacknowledged = queues.read();
  const reset = once(client, "error");
  served.resetAndDestroy();
  const [{ code }] = (await reset) as [{ code: string }];

  await hold[Symbol.asyncDispose]();
  const gone = await tableNames();
  await until("the late one is let in", () => held.accepted.length === lateBefore + 1);

  const deadOwner = drainScript(cgroup, NO_SUCH_PID, api.port);
  await loadScript(deadOwner.replace(/timeout \d+s/, "timeout 1s"));
  const begins = held.received;
  late.write("y");
  await settle();
  const shut = held.received - begins;
  await until("the kernel lifted it", () => held.received > begins);
  await openHold(cgroup, api.port);
  const leftover = await tableNames();
  await removeHolds();
  const swept = await tableNames();
  const own = `sluice-hold-${process.pid}-${cgroup.id}`;

  for (const socket of [toApi, toNeighbour, late, client, sender, datagrams]) {
    if ("destroy" in socket) socket.destroy();
    else socket.close();
  }
  for (const { server, accepted } of [held, api, neighbour]) {
    for (const socket of accepted) socket.destroy();
    server.close();
  }
  process.stdout.write(
    JSON.stringify({
      ...{ before, quiet, during, lateBefore, unacknowledged, code, gone, shut, leftover, swept },
      ...{ fetched, own },
    }),
  );
} finally {
  cgroups.dissolve();
}

async function listen(): Promise<Far> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => (far.received += bytes.length));
  }).listen(0, address);
  await once(server, "listening");
  const far: Far = { port: (server.address() as { port: number }).port, server, accepted, received: 0 };
  return far;
}

async function dial({ port, accepted }: Far): Promise<Socket> {
  const socket = connect(port, address);
  socket.setNoDelay();
  await once(socket, "connect");
  await until("it is accepted", () => accepted.length === 1);
  socket.on("error", () => undefined);
  return socket;
}

async function exchange(socket: Socket, far: Far): Promise<void> {
  const begins = far.received;
  socket.write("there");
  await until("it is there", () => far.received === begins + 5);
  far.accepted[0]?.write("back");
  await once(socket, "data");
}

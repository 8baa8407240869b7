/**
 * Looks at who is connected, in a network namespace of its own (unshare -n), and
 * prints what that took as one line of JSON. Argument: how many looks.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempDisposableSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionSampler } from "../../src/history/connections/sampler.ts";
import type { SeenConnections } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";
import { milliseconds } from "../../src/units.ts";

export interface LooksReport {
  readonly clients: number;
  readonly datagramClients: number;
  readonly sockets: number;
  /** Milliseconds of processor time of each look, which waits for nothing: without and with what it writes. */
  readonly looks: readonly number[];
  readonly written: readonly number[];
}

const SERVER = "198.51.100.2";
const [CLIENTS, DATAGRAM_CLIENTS] = [5_000, 1_000];
const AT = Date.UTC(2026, 10, 21) / 1000;
const PERIOD_S = 5;
const WARM_UP = 10;

const count = Number(process.argv[2]);
ip("link", "set", "lo", "up");
ip("address", "add", SERVER, "dev", "lo");
ip("route", "add", "local", "10.77.0.0/16", "dev", "lo");
const rules = "table inet t { chain i { type filter hook input priority 0; ct state new; }; }";
execFileSync("nft", ["-f", "-"], { input: rules });

const sockets: Socket[] = [];
const server = createServer((socket) => sockets.push(socket)).listen(0, "::");
await once(server, "listening");
const { port } = server.address() as { port: number };
const answering = createSocket("udp4");
answering.on("message", (message, { address, port: from }) => answering.send(message, from, address));
answering.bind(port, SERVER);
await once(answering, "listening");
for (let index = 0; index < CLIENTS; index += 1) {
  const socket = connect({ port, host: SERVER, localAddress: addressOf(index) });
  await once(socket, "connect");
  sockets.push(socket);
}
for (let index = 0; index < DATAGRAM_CLIENTS; index += 1) {
  const socket = createSocket("udp4");
  socket.bind(0, addressOf(CLIENTS + index));
  await once(socket, "listening");
  socket.send("hello", port, SERVER);
  await once(socket, "message");
  socket.close();
}

using folder = mkdtempDisposableSync(join(tmpdir(), "sluice-bench-"));
using db = Db.openToWrite(join(folder.path, "history.db"), HISTORY);
const writer = new HistoryWriter(db);
let now = AT;
let rows: readonly SeenConnections[] = [];
const settings = { ports: "auto" as const, interfaces: [], firewallLog: null, bpftrace: false };
using sampler = new ConnectionSampler({
  settings: { ...settings, period: milliseconds(PERIOD_S * 1000) },
  onLook: (found) => {
    rows = found;
    foundAt = cpuMs();
    writer.seenConnections(found, now);
  },
  onTrouble: (why) => {
    throw new Error(why);
  },
});
sampler.claim({ ports: [{ service: "xray", transports: ["tcp", "udp"], ports: [port] }], programs: [] });
const [looks, written]: [number[], number[]] = [[], []];
let foundAt = 0;
for (let look = 0; look < WARM_UP; look += 1) timedLook();
looks.length = 0;
written.length = 0;
for (let look = 0; look < count; look += 1) timedLook();
if (rows.length !== CLIENTS + DATAGRAM_CLIENTS) {
  throw new Error(`Cannot measure: expected ${CLIENTS + DATAGRAM_CLIENTS} clients, got ${rows.length}`);
}
const report: LooksReport = {
  ...{ clients: CLIENTS, datagramClients: DATAGRAM_CLIENTS, sockets: sockets.length },
  ...{ looks, written },
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

function timedLook(): void {
  now += PERIOD_S;
  const began = cpuMs();
  sampler.look();
  looks.push(foundAt - began);
  written.push(cpuMs() - began);
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function addressOf(index: number): string {
  return `10.77.${index >> 8}.${index & 255}`;
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args);
}

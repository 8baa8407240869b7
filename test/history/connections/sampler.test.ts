/** Looks at live connections, in a network of the test's own: addresses of strangers and of the server are all on it. */
import { execFileSync } from "node:child_process";
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { appendFile, mkdtempDisposable, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectionsSettings } from "../../../src/config-parts.ts";
import type { ClientConnection } from "../../../src/history/connections/connection-source.ts";
import { ConnectionSampler } from "../../../src/history/connections/sampler.ts";
import type { PortClaims } from "../../../src/history/connections/served-ports.ts";
import { TrackedUdp } from "../../../src/history/connections/tracked-udp.ts";
import { History } from "../../../src/history/history.ts";
import { HistoryReader } from "../../../src/history/queries.ts";
import type { SeenConnections } from "../../../src/history/records.ts";
import { listUdpByCommand } from "../../../src/kernel/conntrack-command.ts";
import { openEstablished } from "../../../src/kernel/established-sockets.ts";
import { listEstablished } from "../../../src/kernel/ss-command.ts";
import { decodeUdpFlows } from "../../../src/kernel/udp-flow-lines.ts";
import type { UdpFlow } from "../../../src/kernel/udp-flow-messages.ts";
import { openUdpFlows } from "../../../src/kernel/udp-flows.ts";
import { milliseconds } from "../../../src/units.ts";
import { enterOwnNetwork } from "../../support/own-network.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

const missing = needs("root", "ip", "nft", "ss", "conntrack");
const SERVER = "198.51.100.2";
const INNER = "198.51.100.9";
const ALICE = "203.0.113.5";
const BOB = "2001:db8::7";
const SETTINGS: ConnectionsSettings = {
  ...{ ports: "auto", interfaces: [], period: milliseconds(1_000), firewallLog: null, bpftrace: false },
};

describe.skipIf(missing)(`ConnectionSampler${missing}`, () => {
  const sockets: (Socket | Server | DatagramSocket)[] = [];
  let port = 0;
  let claims: PortClaims;

  beforeAll(async () => {
    enterOwnNetwork();
    for (const address of [SERVER, ALICE]) ip("address", "add", address, "dev", "lo");
    for (const address of ["2001:db8::2", BOB]) ip("address", "add", `${address}/128`, "dev", "lo", "nodad");
    ip("link", "add", "inner", "type", "veth", "peer", "name", "outer");
    ip("address", "add", INNER, "dev", "inner");
    for (const end of ["inner", "outer"]) ip("link", "set", end, "up");
    const server = createServer((socket) => sockets.push(socket)).listen(0, "::");
    await once(server, "listening");
    sockets.push(server);
    port = (server.address() as { port: number }).port;
    claims = {
      ports: [{ service: "xray", transports: ["tcp", "udp"], ports: [port] }],
      programs: [],
    };
  });

  afterAll(() => {
    for (const socket of sockets) if ("destroy" in socket) socket.destroy();
    for (const socket of sockets) if (!("destroy" in socket)) socket.close();
  });

  async function client(localAddress: string, host: string): Promise<Socket> {
    const socket = connect({ port, host, localAddress });
    await once(socket, "connect");
    sockets.push(socket);
    return socket;
  }

  function sampler(settings: Partial<ConnectionsSettings> = {}) {
    const looks: (readonly SeenConnections[])[] = [];
    const troubles: string[] = [];
    const made = new ConnectionSampler({
      settings: { ...SETTINGS, ...settings },
      onLook: (rows) => looks.push(rows),
      onTrouble: (why) => troubles.push(why),
    });
    made.claim(claims);
    const look = () => {
      made.look();
      return looks.at(-1);
    };
    return { look, troubles, [Symbol.dispose]: () => made[Symbol.dispose]() };
  }

  test("sees clients of both families and not the sockets that dial, other ports, or the loopback", async () => {
    using sampled = sampler();
    const gone = await client(ALICE, SERVER);
    await client(BOB, "2001:db8::2");
    await client("127.0.0.1", "127.0.0.1");
    await client("::1", "::1");
    const other = createServer((socket) => sockets.push(socket)).listen(0, SERVER);
    await once(other, "listening");
    sockets.push(other);
    const stranger = connect({ ...(other.address() as { port: number }), host: SERVER, localAddress: ALICE });
    await once(stranger, "connect");
    sockets.push(stranger);
    expect(sampled.look()).toEqual(
      expect.arrayContaining([
        { address: ALICE, service: "xray", open: 1, begun: 0 },
        { address: BOB, service: "xray", open: 1, begun: 0 },
      ]),
    );
    await client(ALICE, SERVER);
    expect(sampled.look()).toContainEqual({ address: ALICE, service: "xray", open: 2, begun: 1 });
    gone.destroy();
    const left = { address: ALICE, service: "xray", open: 1, begun: 0 };
    expect(
      await until("one is gone", () =>
        sampled.look()?.find(({ open, address }) => address === ALICE && open === 1),
      ),
    ).toEqual(left);
    expect(sampled.look()).toHaveLength(2);
  });

  test("counts connections to the addresses of the named interfaces alone", async () => {
    await client(ALICE, INNER);
    using inner = sampler({ interfaces: ["inner"] });
    using none = sampler({ interfaces: ["eth9"] });
    expect(inner.look()).toEqual([{ address: ALICE, service: "xray", open: 1, begun: 0 }]);
    expect(none.look()).toEqual([]);
  });

  test("sees by ss what it sees by netlink", () => {
    using table = openEstablished();
    const byNetlink: string[] = [];
    table.walk(new Set([port]), ({ localPort, remotePort, remoteAddress, localAddress }) =>
      byNetlink.push(`${localAddress()} ${localPort} ${remoteAddress} ${remotePort}`),
    );
    const bySs = listEstablished(new Set([port])).map(
      ({ local, remote }) => `${local.address} ${local.port} ${remote.address} ${remote.port}`,
    );
    expect(byNetlink.length).toBeGreaterThan(2);
    expect(new Set(bySs)).toEqual(new Set(byNetlink));
  });

  test("hears of the firewall's packets from a file", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-firewall-"));
    const path = join(folder.path, "kern.log");
    await writeFile(path, "");
    using sampled = sampler({ firewallLog: { path, prefix: "sluice" } });
    await appendFile(
      path,
      `Nov 22 01:02:03 vpn kernel: sluice IN=lo OUT= SRC=192.0.2.77 DST=${SERVER} LEN=60 PROTO=TCP SPT=4000 DPT=${port} SYN \n`,
    );
    const row = await until("a look has it", () =>
      sampled.look()?.find(({ address }) => address === "192.0.2.77"),
    );
    expect(row).toEqual({ address: "192.0.2.77", service: "xray", open: 0, begun: 1 });
  });

  test("says once that UDP is not tracked, and sees its clients once a rule asks for it", async () => {
    const server = createSocket("udp4");
    server.bind(port, SERVER);
    server.on("message", (message, { address, port: from }) => server.send(message, from, address));
    const alice = createSocket("udp4");
    alice.bind(0, ALICE);
    sockets.push(server, alice);
    await Promise.all([once(server, "listening"), once(alice, "listening")]);
    using sampled = sampler();
    sampled.look();
    const before = sampled.look()?.find(({ address }) => address === ALICE)?.open ?? 0;
    expect(sampled.troubles).toEqual([
      expect.stringMatching(/^Cannot see clients of UDP ports: .*"ct state new"/),
    ]);

    nft(
      "add table inet t",
      "add chain inet t i { type filter hook input priority 0; }",
      "add rule inet t i ct state new",
    );
    alice.send("unanswered", 9, SERVER);
    alice.send("hello", port, SERVER);
    await once(alice, "message");
    // Of two looks one asks for IPv4, and the other remembers.
    const looks = [sampled.look(), sampled.look()].map((rows) =>
      rows?.find(({ address }) => address === ALICE),
    );
    expect(looks.reduce((sum, row) => sum + (row?.begun ?? 0), 0)).toBe(1);
    expect(looks[1]?.open).toBe(before + 1);
    expect(sampled.look()).toContainEqual({ address: ALICE, service: "xray", open: before + 1, begun: 0 });
    expect(sampled.troubles).toHaveLength(1);
  });

  test("takes a UDP flow that another host answers for no client", () => {
    using source = new TrackedUdp();
    const seen: ClientConnection[] = [];
    const premises = { served: { tcp: new Map(), udp: new Map([[port, "xray"]]) }, anywhere: true };
    source.read({ ...premises, isOurs: (address) => address === SERVER }, (found) => seen.push(found));
    expect(seen).toHaveLength(1);
    using other = new TrackedUdp();
    other.read({ ...premises, isOurs: () => false }, (found) => seen.push(found));
    expect(seen).toHaveLength(1);
  });

  test("sees by the conntrack command what it sees by netlink", () => {
    using flows = openUdpFlows();
    const byNetlink: UdpFlow[] = [];
    flows.walk(4, new Set([port]), (flow) => byNetlink.push(flow));
    expect(byNetlink).toHaveLength(1);
    expect(decodeUdpFlows(listUdpByCommand("ipv4"))).toEqual(byNetlink);
  });

  test("History writes what its thread saw into the file", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-clients-"));
    const path = join(folder.path, "history.db");
    const retention = { minutesDays: 1, hoursDays: 1, sessionsDays: 1, connectionsDays: 1, eventsDays: 1 };
    const troubles: string[] = [];
    await using history = new History({
      ...{ path, retention, onTrouble: (why: string) => troubles.push(why) },
      connections: { ...SETTINGS, period: milliseconds(50) },
    });
    history.claim(claims);
    await history.openLogins();
    const clients = await until("both are in the file", () => {
      using reader = HistoryReader.open(path);
      const found = reader?.clientAddresses({ since: 0 }) ?? [];
      return found.length > 1 && found;
    });
    expect(new Set(clients.map(({ address, service }) => `${address} ${service}`))).toEqual(
      new Set([`${ALICE} xray`, `${BOB} xray`]),
    );
    expect(clients.find(({ address }) => address === BOB)?.open).toBe(1);
    expect(troubles).toEqual([]);
  });
});

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { timeout: 5_000 });
}

function nft(...commands: readonly string[]): void {
  execFileSync("nft", ["-f", "-"], { input: commands.join("\n"), timeout: 5_000 });
}

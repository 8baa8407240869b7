import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadScript } from "../../src/kernel/nft-command.ts";
import { TableWatch } from "../../src/kernel/nft-events.ts";
import { openTunnelGates, type TunnelGates } from "../../src/kernel/tunnel-gates.ts";
import { tunnelRemoval } from "../../src/kernel/tunnel-script.ts";
import { endChild, entering } from "../support/namespaces.ts";
import { type InnerFlow, openFlow, stopped } from "../support/openvpn/inner-flow.ts";
import { openTestbed, type Testbed } from "../support/openvpn/testbed.ts";
import { visitNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const LIMIT = 6_000_000;
const OPEN = Number.MAX_SAFE_INTEGER;
const [ALICE, BOB] = [1, 2];
const SERVER = { 4: "10.98.0.1", 6: "fd98::1" } as const;
/** A network behind alice. */
const BEHIND = "10.99.7.0/24";
const BEHIND_ALICE = "10.99.7.1";
const ECHO_PORT = 5100;
const ECHO = "here";
const missing = needs("root", "nft", "ip", "openvpn", "socat");

describe.skipIf(missing)(`openTunnelGates() on the tunnel of a real OpenVPN server${missing}`, () => {
  const stack = new AsyncDisposableStack();
  let bed: Testbed;
  let gates: TunnelGates;
  let port = 5300;
  let addresses: Record<"alice" | "bob", Record<4 | 6, string>>;
  const flows: InnerFlow[] = [];

  beforeAll(async () => {
    const perClient = await mkdtemp(join(tmpdir(), "sluice-ccd-"));
    stack.defer(() => rm(perClient, { recursive: true }));
    await writeFile(join(perClient, "alice"), "iroute 10.99.7.0 255.255.255.0\n");
    bed = stack.use(
      await openTestbed({
        server: ["server-ipv6 fd98::/64", "route 10.99.7.0 255.255.255.0", `client-config-dir ${perClient}`],
      }),
    );
    await bed.run("up");
    await bed.inside("alice", "ip", "address", "add", BEHIND_ALICE, "dev", "lo");
    addresses = { alice: await addressesOf("alice"), bob: await addressesOf("bob") };
    const [enter, ...words] = entering(bed.namespace);
    const listening = `TCP4-LISTEN:${ECHO_PORT},bind=${SERVER[4]},reuseaddr,fork`;
    const echo = spawn(enter, [...words, "socat", "-U", listening, `SYSTEM:echo ${ECHO}`], {
      stdio: "ignore",
    });
    stack.defer(() => endChild(echo));
    stack.use(visitNetwork(bed.namespace));
    gates = stack.use(await openTunnelGates({ count: "both" }));
  }, 60_000);
  afterAll(() => stack.disposeAsync());
  afterEach(async () => {
    for (const flow of flows.splice(0)) await flow[Symbol.asyncDispose]();
    await loadScript(tunnelRemoval());
  });

  const flow = (user: "alice" | "bob", way: "up" | "down", family: 4 | 6 = 4, from?: string) => {
    port += 1;
    const opened = openFlow(bed, { user, way, to: SERVER[family], port, ...(from ? { from } : {}) });
    flows.push(opened);
    return opened;
  };
  const addressesOf = async (user: string) => {
    const found = (family: number) =>
      until(`${user} has an address`, async () => {
        const shown = await bed.inside(user, "ip", `-${family}`, "-o", "address", "show", "scope", "global");
        return new RegExp(String.raw`-tun\s+inet6? ([0-9a-f.:]+)/`).exec(shown)?.[1];
      });
    return { 4: await found(4), 6: await found(6) };
  };
  const isStill = (each: InnerFlow) => performance.now() - each.lastAt() > 200;
  const of = (user: "alice" | "bob") => [addresses[user][4], addresses[user][6]];

  /** Whether a service at the server's tunnel address answers him. */
  const answers = async (user: "alice" | "bob", from = addresses[user][4]) => {
    const dialing = `TCP4:${SERVER[4]}:${ECHO_PORT},connect-timeout=0.2,bind=${from}`;
    const said = await bed.inside(user, "sh", "-c", `socat -u ${dialing} STDOUT 2>&1 || true`);
    return said.includes(ECHO);
  };
  const answersAgain = (user: "alice" | "bob", from?: string) =>
    until(`${user} is answered`, () => answers(user, from));

  test.for([
    { way: "down", family: 4 },
    { way: "up", family: 4 },
    { way: "down", family: 6 },
    { way: "up", family: 6 },
  ] as const)(
    "set() stops an IPv$family transfer $way at its limit, never behind it",
    async ({ way, family }) => {
      await gates.set([{ number: ALICE, addresses: of("alice") }], () => LIMIT);
      const passed = await stopped(flow("alice", way, family));
      expect(passed).toBeLessThanOrEqual(LIMIT);
      expect(passed).toBeGreaterThan(LIMIT / 2); // lost packets were counted, and those that said so
      expect((await gates.used()).get(ALICE)).toMatchObject({ limit: LIMIT, used: LIMIT, depleted: true });
      expect(gates.ungated()).toEqual(new Map());
    },
  );

  test("set() stops two addresses of an account at one limit, and nobody else", async () => {
    await gates.set([{ number: ALICE, addresses: [...of("alice"), ...of("bob")] }], () => LIMIT);
    const both = [flow("alice", "down"), flow("bob", "up")];
    await until("the gate is used up", async () => (await gates.used()).get(ALICE)?.depleted);
    await Promise.all(both.map((each) => until("it stands still", () => isStill(each))));
    const passed = both.reduce((sum, each) => sum + each.received(), 0);
    expect(passed).toBeLessThanOrEqual(LIMIT);
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => LIMIT);
    const [, bobs] = both as [InnerFlow, InnerFlow];
    await until("bob's transfer goes on once his address is his own", () => bobs.received() > 2 * LIMIT);
  });

  test("set() stops what a network behind a client sends", async () => {
    await gates.set([{ number: ALICE, addresses: [...of("alice"), BEHIND] }], () => 0);
    expect(await answers("alice", BEHIND_ALICE)).toBe(false);
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => 0);
    await answersAgain("alice", BEHIND_ALICE);
  });

  test("set() leaves an address alone that went to somebody else", async () => {
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => 0);
    expect(await answers("alice")).toBe(false);
    await gates.set([{ number: BOB, addresses: of("alice") }], () => OPEN);
    await answersAgain("alice");
    await gates.set([], () => 0);
    expect(await gates.used()).toEqual(new Map());
  });

  test("packets of other devices use nobody's gate up", async () => {
    const outer = "10.97.1.2"; // alice's, to which the server's own packets go
    await gates.set(
      [ALICE, BOB].map((number) => ({ number, addresses: number === ALICE ? [outer] : of("bob") })),
      () => OPEN,
    );
    expect(gates.ungated().get(outer)).toMatch(/leads to .*-v1, which is no tunnel/);
    await answersAgain("alice");
    expect((await gates.used()).get(ALICE)).toMatchObject({ used: 0 });
  });

  test("ungated() tells what is no address and what no tunnel leads to, and the others are gated all the same", async () => {
    const odd = ["10.98.0.300", "'; drop", "192.0.2.1/33", "fe80::1%eth0", "203.0.113.9"];
    await gates.set([{ number: ALICE, addresses: [...odd, addresses.alice[4]] }], () => 0);
    expect([...gates.ungated()]).toEqual(
      odd.map((text, at) => [text, at < 4 ? "it is no address" : "this host has no route to it"]),
    );
    expect(await answers("alice")).toBe(false);
  });

  test("move() moves an open gate with what it let pass, and leaves one that is used up", async () => {
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => OPEN);
    const running = flow("alice", "down");
    await until("something passed", () => running.received() > LIMIT);
    const { used } = (await gates.used()).get(ALICE) ?? { used: 0 };
    expect(used).toBeGreaterThan(LIMIT);
    expect(await gates.move(ALICE, used + 20_000_000)).toBe(false);
    expect(await stopped(running)).toBeLessThanOrEqual(used + 20_000_000);
    expect(await gates.move(ALICE, OPEN)).toBe(true);
    expect((await gates.used()).get(ALICE)).toMatchObject({ depleted: true });
    const before = running.received();
    await gates.renew(ALICE, LIMIT);
    await until("the transfer goes on", () => running.received() > before);
    expect(await stopped(running)).toBeLessThanOrEqual(before + LIMIT);
  });

  test("renew() shuts and opens the direction that no limit counts as well", async () => {
    await using uplink = await openTunnelGates({ count: "uplink" });
    await uplink.set([{ number: ALICE, addresses: of("alice") }], () => OPEN);
    const [enter, ...words] = entering(bed.namespaceOf("alice"));
    const listener = spawn(enter, [...words, "socat", "-u", "UDP4-RECV:5200", "STDOUT"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    stack.defer(() => endChild(listener));
    const length = 1_000;
    let heard = 0;
    listener.stdout.on("data", (data: Buffer) => {
      heard += data.length;
    });
    const tell = (datagrams = 1) =>
      bed.inside(
        "server",
        "sh",
        "-c",
        `head -c ${datagrams * length} /dev/zero | socat -u -b ${length} - UDP4-SENDTO:${addresses.alice[4]}:5200 || true`,
      );
    const isHeard = (before = heard) =>
      until("she hears the server", async () => (await tell(), heard > before));
    await isHeard();
    await uplink.renew(ALICE, 0);
    const before = heard;
    for (let time = 0; time < 5; time += 1) await tell();
    await uplink.renew(ALICE, OPEN);
    await isHeard();
    // Those that were told in between would have come before the last one.
    expect(heard - before).toBeLessThan(5 * length);
    const told = heard;
    await tell(20);
    await until("she hears most of them", () => heard - told > 15 * length);
    // None of them, if perhaps some packets that a transfer before this left behind.
    expect((await uplink.used()).get(ALICE)?.used).toBeLessThan(10 * length);
  });

  test("a table from before is taken over with what its gates let pass, and its strangers go", async () => {
    await gates.set(
      [ALICE, BOB].map((number) => ({ number, addresses: number === ALICE ? of("alice") : of("bob") })),
      (number) => (number === ALICE ? LIMIT : 0),
    );
    const passed = await stopped(flow("alice", "down"));
    await using next = await openTunnelGates({ count: "both" });
    await next.set([{ number: ALICE, addresses: [addresses.alice[4]] }], () => OPEN);
    const taken = await next.used();
    expect(taken.get(ALICE)).toEqual(expect.objectContaining({ limit: LIMIT, used: LIMIT, depleted: true }));
    expect(taken.has(BOB)).toBe(false);
    expect(passed).toBeLessThanOrEqual(LIMIT);
    expect(await answers("alice")).toBe(false);
    await answersAgain("bob");
  });

  test("set() holds a thousand accounts, and lets them go", async () => {
    const many = Array.from({ length: 1_000 }, (_, at) => ({
      number: at + 1,
      addresses: [`10.98.${1 + (at >> 8)}.${at & 255}`, `fd98::1:${at.toString(16)}`],
    }));
    await gates.set([...many, { number: 2_000, addresses: of("alice") }], () => 0);
    expect((await gates.used()).size).toBe(1_001);
    expect(await answers("alice")).toBe(false);
    await gates.set([], () => 0);
    expect((await gates.used()).size).toBe(0);
    await answersAgain("alice");
  });

  test("onDepleted is heard by the table's name, and intact() tells flushed rules, which set() puts back", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const events = { onDepleted: resolve, onRulesGone: () => undefined, onLost: () => undefined };
    using _watch = await new TableWatch().watch("sluice-openvpn", events);
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => 1_000_000);
    flow("alice", "up");
    expect(await promise).toBe("g00000001");
    expect(await gates.intact()).toBe(true);
    await promisify(execFile)("nft", ["flush", "table", "inet", "sluice-openvpn"]);
    expect(await gates.intact()).toBe(false);
    await answersAgain("alice");
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => OPEN);
    expect(await gates.intact()).toBe(true);
    expect((await gates.used()).get(ALICE)).toMatchObject({ limit: 1_000_000, depleted: true });
    expect(await answers("alice")).toBe(false);
    await promisify(execFile)("nft", ["delete", "table", "inet", "sluice-openvpn"]);
    expect(await gates.intact()).toBe(false);
    await gates.set([{ number: ALICE, addresses: of("alice") }], () => 0);
    expect(await answers("alice")).toBe(false);
  });
});

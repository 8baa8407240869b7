/**
 * A gate is one only if the bytes pass it. What keeps them from it is seen and
 * told, and the user is cut at his limit all the same.
 */
import { randomBytes } from "node:crypto";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { LAST_RULES } from "../../src/sources/xray/gate-names.ts";
import { FREEDOM, serverConfig, testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { entering, execute } from "../support/namespaces.ts";
import { startOrigin } from "../support/origin.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice } from "../support/sluice.ts";
import { moveBytes, type Transfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { connectThroughVless } from "../support/vless.ts";
import { FIRST, GATES } from "./gated-user.ts";
import { MIB, type Stage, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip", "nsenter") || (findEngine("xray") ? "" : " (needs: xray)");
const xray = findEngine("xray") as EngineProgram;
const alice = testUser("alice");
const bob = testUser("bob");
const inbounds = [{ tag: "in", protocol: "vless", users: [alice, bob] }] as const;
const ENDLESS = { up: 0, down: 200 * MIB, rate: 8 * MIB };
/** What a cut that is carried out within ticks lets through. */
const LATE = MIB;

describe.skipIf(missing)(`what is told of gates of a running Xray${missing}`, () => {
  beforeAll(enterOwnNetwork);

  test("a user whose bytes pass his gate", async () => {
    const stage = await setStage(xray, inbounds, {}, GATES);
    await stage.start();
    await untilTold(stage, "gate", "not proven yet: he has moved too little since it stands");
    await fetchFirst(stage);
    await untilTold(stage, "gate", "proven: his bytes pass it");
    const { stdout } = await stage.sluice.run("user", "alice");
    expect(stdout).toContain("At limit   gate at xray (proven: his bytes pass it)");
    await expectDoctor(stage, "all 2 accounts are stopped by a gate in the kernel at their limit");
  });

  test("a rule of the operator's that takes all of his bytes to another outbound", async () => {
    const stage = await setStage(xray, inbounds, {}, GATES, {
      outbounds: [{ tag: "other", ...FREEDOM }],
      rules: [{ network: "tcp", outboundTag: "other" }],
    });
    await stage.start();
    await fetchFirst(stage);
    const told = 'not gated, none of his bytes pass the gate: rule 2 sends part of his traffic to "other"';
    await untilTold(stage, "cut", told);
    await expectDoctor(stage, `xray: alice: cut at the limit (${told})`);
    await expectCut(stage);
  });

  test("a catch-all without a name, which rules that are added cannot come before", async () => {
    const stage = await setStage(xray, inbounds, {}, GATES, {
      rules: [{ network: "tcp,udp", outboundTag: "direct" }],
    });
    await stage.start();
    const told =
      "not gated: rule 2 takes everything before a rule that is added at run time (sluice xray setup lifts that)";
    await untilTold(stage, "cut", told);
    await expectDoctor(stage, `xray: alice, bob: cut at the limit (${told})`);
    await expectCut(stage);
  });

  test("a catch-all with the name that setup gives it: gated, and gone the same way", async () => {
    const [ruleTag] = LAST_RULES;
    const stage = await setStage(xray, inbounds, {}, GATES, {
      outbounds: [{ tag: "main", ...FREEDOM, sendThrough: "127.0.0.8" }],
      rules: [{ network: "tcp,udp", outboundTag: "main", ruleTag }],
    });
    await stage.start();
    await fetchFirst(stage);
    await untilTold(stage, "gate", "proven: his bytes pass it");
    expect(await stage.isLetIn(bob)).toBe(true);
    expect([...stage.origin.peers]).toEqual(["127.0.0.8"]);
  });

  test("another program's mark on his connections", async () => {
    const stage = await setStage(xray, inbounds, {}, GATES);
    await execute("nft", ["-f", "-"], FOREIGN(stage.origin.port));
    onTestFinished(async () => void (await execute("nft", ["flush", "ruleset"]))); // what our table counted of it, too
    await stage.start();
    await fetchFirst(stage);
    await untilTold(
      stage,
      "cut",
      "not gated, none of his bytes pass the gate: connections carry another program's mark",
    );
    const { stdout } = await stage.sluice.run("doctor");
    expect(stdout).toMatch(
      /^ {2}warning {2}xray: \d+ bytes passed no gate: their connections carry another program's mark$/m,
    );
    await expectCut(stage);
  });

  test("an engine in another network namespace, whose sockets no rule here sees", async () => {
    const far = await addFarNetwork();
    const folder = await mkdtempDisposable(join(tmpdir(), "sluice-far-"));
    onTestFinished(() => folder.remove());
    const [apiPort, port] = [await freePort(), await freePort()];
    const config = serverConfig({
      kind: "xray",
      folder: folder.path,
      api: { port: apiPort, via: "listen" },
      inbounds: inbounds.map((inbound) => ({ ...inbound, port })),
    });
    const api = `${far.address}:${apiPort}`;
    const engine = await startEngine(
      inside(far.name),
      {
        ...config,
        api: { ...config.api, listen: api },
        inbounds: config.inbounds.map((inbound) => ({ ...inbound, listen: far.address })),
      },
      folder.path,
    );
    onTestFinished(() => engine.kill());
    const origin = await startOrigin(far.here);
    onTestFinished(() => origin[Symbol.asyncDispose]());
    const sluice = await makeSluice({
      xray: { name: "xray", api, config: engine.path, service: null, ...GATES },
    });
    onTestFinished(() => sluice[Symbol.asyncDispose]());
    await sluice.start();
    using tunnel = await connectThroughVless(
      { server: { address: far.address, port }, id: alice.id },
      origin,
    );
    expect(await moveBytes(tunnel, FIRST)).toMatchObject({ outcome: "complete" });
    await untilTold({ sluice }, "cut", NONE_PASS);
  });
});

interface FarNetwork {
  /** As in /run/netns. */
  readonly name: string;
  /** Its address, and ours towards it. */
  readonly address: string;
  readonly here: string;
}

/** Another host, next to this one. */
async function addFarNetwork(): Promise<FarNetwork> {
  const name = `slu-${randomBytes(4).toString("hex")}`;
  const [here, address] = ["10.63.1.1", "10.63.1.2"];
  await execute("ip", ["netns", "add", name]);
  onTestFinished(async () => void (await execute("ip", ["netns", "delete", name])));
  await execute("ip", ["link", "add", "near", "type", "veth", "peer", "name", "far", "netns", name]);
  for (const [enter, device, own] of [
    [[], "near", here],
    [["-n", name], "far", address],
  ] as const) {
    await execute("ip", [...enter, "address", "add", `${own}/24`, "dev", device]);
    await execute("ip", [...enter, "link", "set", device, "up"]);
  }
  return { name, here, address };
}

/** The engine, in a namespace. */
function inside(name: string): EngineProgram {
  const [enter, ...words] = entering(name);
  return { ...xray, command: enter, args: (config) => [...words, xray.command, ...xray.args(config)] };
}

const NONE_PASS =
  "not gated, none of his bytes pass the gate: an earlier rule, connections from before it, or another program's mark";

/** Marks what goes to the origin before any rule of ours sees it. */
const FOREIGN = (port: number) => `table inet foreign {
  chain out {
    type filter hook output priority -150;
    tcp dport ${port} ct mark set 7
  }
}
`;

async function fetchFirst(stage: Stage): Promise<void> {
  expect(await (await stage.transfer(alice, FIRST)).finished).toMatchObject({ outcome: "complete" });
}

async function untilTold({ sluice }: Pick<Stage, "sluice">, step: string, text: string): Promise<void> {
  const stops = async () => (await sluice.row("alice")).stops;
  await until(
    `"${step}: ${text}" is told`,
    async () => {
      const [stop] = await stops();
      return stop?.step === step && stop.text === text;
    },
    5_000,
    stops,
  );
}

async function expectDoctor(stage: Stage, finding: string): Promise<void> {
  const { stdout } = await stage.sluice.run("doctor");
  const found = stdout.split("\n").map((line) => line.replace(/^ {2}(?:ok|warning|problem) +/, ""));
  expect(found).toContain(finding);
}

/** Without a gate he is cut as soon as the engine's figure is seen to have reached his limit. */
async function expectCut(stage: Stage): Promise<void> {
  const limit = FIRST.down + 2 * MIB;
  const { totalBytes } = await stage.sluice.row("alice");
  await stage.limit(alice, limit);
  const transfer: Transfer = await stage.transfer(alice, ENDLESS);
  expect((await transfer.finished).outcome).not.toBe("complete");
  expect(totalBytes + transfer.down).toBeGreaterThanOrEqual(limit - 64 * 1024);
  expect(totalBytes + transfer.down).toBeLessThanOrEqual(limit + LATE);
  await stage.sluice.event("cut", "alice");
  expect(await stage.isLetIn(alice)).toBe(false);
  expect(await stage.isLetIn(bob)).toBe(true);
}

/** `sluice xray setup` on engines as autoscripts install them, and back. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { testConfig } from "../../src/enforcement/xray/config-test.ts";
import { planNeutralise, restoreHeld } from "../../src/enforcement/xray/neutralise.ts";
import { planSetup, type SetupFacts } from "../../src/enforcement/xray/setup-plan.ts";
import { planUndo } from "../../src/enforcement/xray/setup-undo.ts";
import { userName } from "../../src/names.ts";
import { readEngineConfig } from "../../src/sources/xray/engine-config.ts";
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine, findEngines } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice, runCli } from "../support/sluice.ts";
import { startTransfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { connectThroughVless } from "../support/vless.ts";
import { MIB } from "./stage.ts";
import { startStockEngine, startUnit, UNIT, type UnitEngine } from "./stock-engine.ts";

const autoscript = readFileSync(new URL("../fixtures/xray/autoscript-40.json", import.meta.url), "utf8");
const alice = testUser("alice");
const engines = findEngines();

if (engines.length === 0)
  test.skip("setup of an engine (needs: xray or v2ray)", () => {
    expect.unreachable("this is only listed where no engine was found");
  });

describe.each(engines)("a stock install of $kind $version", (program) => {
  // The config is tested with the running process's own executable, which for a script is its interpreter.
  const missing = isScript(program) ? ` (needs: ${program.kind} as its own executable, not a script)` : "";
  const ownOutbounds = program.kind === "v2ray";

  test.skipIf(missing)(
    `is set up with one restart, changes no more the second time, and is byte for byte as before after undo${missing}`,
    async () => {
      const { engine, setup, sluice } = await autoscriptStage(program);
      const before = await engine.config();
      const listed = await namesByMarkers(engine);

      const shown = await setup();
      expect(shown).toMatchObject({
        status: 2,
        stdout: expect.stringMatching(/^\+ +"HandlerService",$/m) as string,
      });
      expect(shown.stderr).toContain("expected --yes");
      expect([await engine.config(), await engine.calls()]).toEqual([before, []]);

      expect(await setup("--yes")).toMatchObject({ status: 0, stderr: "" });
      const after = await engine.config();
      const config = readEngineConfig(after);
      expect(config.apiServices).toEqual(["StatsService", "HandlerService", "RoutingService"]);
      expect(config.inbounds.every(({ tag }) => tag !== undefined)).toBe(true);
      expect(config.outbounds).toHaveLength(ownOutbounds ? 42 : 2);
      expect(await engine.calls()).toEqual([`restart ${UNIT}`]);
      expect(await namesByMarkers(engine)).toEqual(listed);
      expect(commentsIn(after)).toEqual(commentsIn(before));

      expect(await setup("--yes")).toMatchObject({
        status: 0,
        stdout: expect.stringContaining("Nothing to change.") as string,
      });
      expect(await setup("--undo", "--yes")).toMatchObject({ status: 0, stderr: "" });
      expect(await engine.config()).toBe(before);
      expect(await engine.calls()).toEqual([`restart ${UNIT}`, `restart ${UNIT}`]);
      expect(await setup("--undo", "--yes")).toMatchObject({ status: 2 });
      expect(
        (await readdir(join(sluice.directory, "state"))).filter((name) => name.startsWith("xray-setup")),
      ).toEqual([]);
    },
  );

  test.skipIf(missing)(
    `keeps the file and the record of it when the engine refuses the new one${missing}`,
    async () => {
      const { engine, setup, sluice } = await autoscriptStage(program);
      await writeFile(
        engine.configPath,
        (await engine.config()).replace('"protocol": "freedom"', '"protocol": "no-such"'),
      );
      const before = await engine.config();
      const refused = await setup("--yes");
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("refuses it") as string });
      expect([await engine.config(), await engine.calls()]).toEqual([before, []]);
      expect(
        (await readdir(join(sluice.directory, "state"))).filter((name) => name.startsWith("xray-setup")),
      ).toEqual([]);
    },
  );

  test.skipIf(missing)(
    `without a restart it says how to make it, and answers in JSON${missing}`,
    async () => {
      const { engine, setup } = await autoscriptStage(program);
      const { stdout } = await setup("--yes", "--no-restart", "--json");
      expect(JSON.parse(stdout)).toMatchObject({
        path: engine.configPath,
        done: true,
        notes: [
          expect.stringMatching(/^Changed .*\.bak$/),
          `For it to take effect: systemctl restart ${UNIT}`,
        ],
      });
      expect(await engine.calls()).toEqual([]);
    },
  );

  test.skipIf(missing).for([
    { by: "its unit", service: UNIT },
    { by: "its arguments", service: null },
  ])(`finds an engine that does not listen where the settings say by $by${missing}`, async ({ service }) => {
    const { engine, ports } = await autoscriptStage(program);
    const api = `127.0.0.1:${await freePort()}`;
    const sluice = await makeSluice({ xray: { name: "xray", api, config: engine.configPath, service } });
    onTestFinished(() => sluice[Symbol.asyncDispose]());
    const args = ["xray", "setup", "--json", "--config", sluice.settingsPath];
    const { stdout } = await runCli(args, engine.environment);
    const { left } = JSON.parse(stdout) as { left: string[] };
    expect(left).toContain(
      `the API listens at 127.0.0.1:${ports[0]}, the settings say ${api}: change xray.api`,
    );
  });

  test.skipIf(missing)(
    `takes the file back also when the engine does not run any more${missing}`,
    async () => {
      const { engine, setup } = await autoscriptStage(program);
      const before = await engine.config();
      expect(await setup("--yes")).toMatchObject({ status: 0 });
      const after = await engine.config();
      await engine.stop();
      expect(await setup("--yes")).toMatchObject({ status: 2, stdout: "" });
      expect(await engine.config()).toBe(after);
      // Nobody can test a file that others changed, so it stays.
      await writeFile(engine.configPath, `${after}\n`);
      expect(await setup("--undo", "--yes")).toMatchObject({ status: 2, stdout: "" });
      expect(await engine.config()).toBe(`${after}\n`);
      await writeFile(engine.configPath, after);
      expect(await setup("--undo", "--yes")).toMatchObject({ status: 0, stderr: "" });
      expect(await engine.config()).toBe(before);
      expect(await engine.calls()).toHaveLength(2);
    },
  );
});

describe.each(engines)("the file of $kind $version with 40 users", (program) => {
  test.for([true, false])(
    "is accepted in every state; gates at run time: %s",
    { timeout: 60_000 },
    async (runtimeGates) => {
      const { engine, ports } = await autoscriptStage(program);
      const before = await engine.config();
      const config = readEngineConfig(before);
      const users = [...new Set(config.inbounds.flatMap(({ clients }) => clients.map(({ email }) => email)))];
      const facts: SetupFacts = {
        kind: program.kind === "xray" ? "xray" : "v2ray4",
        apiListen: program.kind === "xray",
        api: { host: "127.0.0.1", port: ports[0] as number },
        runtimeGates,
        gates: users.map((user, index) => ({
          number: index + 1,
          mark: 0x51000002 + 8 * (index + 1),
          users: [user],
        })),
      };
      const listed = await namesByMarkers(engine);
      const plan = planSetup(before, facts);
      const shut = planNeutralise(
        plan.text,
        new Set(["joe", "Bob", "carol", "dave"].map(userName)),
        "all",
        (kind) => (kind === "uuid" ? "99999999-9999-4999-8999-999999999999" : "nobody-knows"),
      );
      expect(shut.held.length).toBeGreaterThanOrEqual(8);
      const undone = planUndo(shut.text, plan.record);
      const restored = restoreHeld(undone.text, shut.held);
      for (const text of [plan.text, shut.text, undone.text, restored.text]) {
        await writeFile(engine.configPath, text);
        await engine.restart();
        expect(await namesByMarkers(engine)).toEqual(listed);
        expect(commentsIn(text)).toEqual(commentsIn(before));
      }
      expect(restored).toMatchObject({ text: before, foreign: [] });
      expect(planUndo(plan.text, plan.record).text).toBe(before);
    },
  );
});

describe.each(engines)("$kind $version", (program) => {
  const missing = needs("root", "ss");

  test.skipIf(missing)(`marks what leaves it for a user, and nothing else${missing}`, async () => {
    const bob = testUser("bob");
    const engine = await startStockEngine(program, [alice, bob], testUser("single"));
    const origin = await startOrigin();
    onTestFinished(() => origin[Symbol.asyncDispose]());
    const { text } = planSetup(await engine.config(), {
      kind: program.kind === "xray" ? "xray" : "v2ray4",
      apiListen: false,
      api: undefined,
      runtimeGates: false,
      gates: [{ number: 5, mark: 0x5100002a, users: [userName("alice")] }],
    });
    await writeFile(engine.configPath, text);
    await engine.restart();
    const marks = async (user: typeof alice) => {
      using tunnel = await connectThroughVless({ server: engine.vless, id: user.id }, origin);
      const download = startTransfer(tunnel, { up: 0, down: 200 * MIB, rate: MIB });
      const connections = await until(
        "his connection to the origin",
        async () => (await connectionsTo(origin.port)) || undefined,
      );
      download.stop();
      await download.finished;
      await until("it is gone", async () => (await connectionsTo(origin.port)) === "");
      return [...connections.matchAll(/fwmark:(\S+)/g)].map(([, mark]) => mark);
    };
    expect(await marks(alice)).toEqual(["0x5100002a"]);
    expect(await marks(bob)).toEqual([]);
  });
});

const v2ray = findEngine("v2ray");
const noV2ray = v2ray ? needs("root", "ss") : " (needs: v2ray)";

test.skipIf(noV2ray)(
  `a user's connections leave V2Ray with his mark, and a cut takes no restart${noV2ray}`,
  async () => {
    const engine = await startStockEngine(v2ray as EngineProgram, [alice], testUser("single"));
    const origin = await startOrigin();
    onTestFinished(() => origin[Symbol.asyncDispose]());
    const sluice = await makeSluice({
      xray: { name: "xray", api: `127.0.0.1:${engine.apiPort}`, config: engine.configPath, service: UNIT },
    });
    onTestFinished(() => sluice[Symbol.asyncDispose]());
    await sluice.start({ environment: engine.environment });
    const args = ["xray", "setup", "--yes", "--config", sluice.settingsPath];
    expect(await runCli(args, engine.environment)).toMatchObject({ status: 0, stderr: "" });
    const after = await engine.config();
    using desk = new ControlClient(join(sluice.directory, "run", "control.sock"));
    const gate = (await desk.listGates([])).find(({ name }) => name === "alice");
    expect(after).toContain(`"sockopt": {"mark": ${gate?.mark}}`);

    const download = startTransfer(
      await connectThroughVless({ server: engine.vless, id: alice.id }, origin),
      {
        up: 0,
        down: 200 * MIB,
        rate: 2 * MIB,
      },
    );
    const mark = `fwmark:0x${gate?.mark.toString(16)}`;
    await until("his connection bears the mark", async () =>
      (await connectionsTo(origin.port)).includes(mark),
    );
    await until(
      "the engine answers again",
      async () => (await desk.status()).sources.every((source) => source.answering),
      10_000,
    );
    const limit = { totalBytes: MIB, dailyBytes: undefined, period: "", yes: true, create: false };
    await desk.setLimit({ name: "alice", ...limit });
    await sluice.event("cut", "alice");
    expect((await download.finished).outcome).not.toBe("complete");
    expect(await engine.config()).toBe(after);
    expect(await engine.calls()).toEqual([`restart ${UNIT}`]);
  },
);

test.skipIf(noV2ray)(`V2Ray accepts a file that had nothing of it all${noV2ray}`, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-setup-"));
  const path = join(folder.path, "config.json");
  const clients = [{ id: alice.id, email: "alice", level: 1 }];
  const bare = {
    inbounds: [{ port: await freePort(), protocol: "vless", settings: { decryption: "none", clients } }],
    outbounds: [{ protocol: "freedom" }],
  };
  const { text } = planSetup(JSON.stringify(bare, null, "\t"), {
    ...{ kind: "v2ray4", apiListen: false, runtimeGates: false },
    api: { host: "127.0.0.1", port: await freePort() },
    gates: [{ number: 1, mark: 0x5100000a, users: [userName("alice")] }],
  });
  await writeFile(path, text);
  await testConfig({
    binary: (v2ray as EngineProgram).command,
    kind: "v2ray4",
    user: undefined,
    path,
    signal: AbortSignal.timeout(10_000),
  });
});

test("a file that a panel writes is left alone", async () => {
  const sluice = await makeSluice({
    xray: { api: "127.0.0.1:9", config: "/usr/local/x-ui/bin/config.json", service: null },
  });
  onTestFinished(() => sluice[Symbol.asyncDispose]());
  expect(await sluice.run("xray", "setup")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("3x-ui writes its config anew, an edit would be lost") as string,
  });
});

/** The fixture on ports of its own, and the command on it. */
async function autoscriptStage(program: EngineProgram) {
  const ports = new Map<string, number>();
  for (const [, port = ""] of autoscript.matchAll(/"port": "?(\d+)/g)) ports.set(port, await freePort());
  const engine = await startUnit(program, [...ports.values()], (folder) =>
    autoscript
      .replaceAll("/var/log/xray", folder)
      .replaceAll(/("port": "?)(\d+)/g, (_, name: string, port: string) => `${name}${ports.get(port)}`),
  );
  const sluice = await makeSluice({
    xray: { name: "xray", api: `127.0.0.1:${ports.get("10085")}`, config: engine.configPath, service: UNIT },
  });
  onTestFinished(() => sluice[Symbol.asyncDispose]());
  const setup = (...args: readonly string[]) =>
    runCli(["xray", "setup", ...args, "--config", sluice.settingsPath], engine.environment);
  return { engine, sluice, setup, ports: [...ports.values()] };
}

/** One line each, as ss shows it, with its mark. */
async function connectionsTo(port: number): Promise<string> {
  const words = ["-tneH", "state", "established", "dst", `127.0.0.1:${port}`];
  return (await promisify(execFile)("ss", words)).stdout;
}

/** As scripts list their users: marker, name, day. */
async function namesByMarkers({ configPath }: UnitEngine): Promise<string[]> {
  const marks = "^(#vlsg?|#vmsg?|###|#trg?|#sswg?) ";
  const { stdout } = await promisify(execFile)("grep", ["-E", marks, configPath]);
  const lines = stdout.split("\n").slice(0, -1);
  expect(lines.length).toBeGreaterThan(80);
  return lines.map((line) => line.split(" ").slice(0, 3).join(" "));
}

function commentsIn(text: string): string[] {
  return text.split("\n").filter((line) => /^\s*(?:#|\/\/)/.test(line));
}

function isScript({ command }: EngineProgram): boolean {
  return readFileSync(command).subarray(0, 2).toString() === "#!";
}

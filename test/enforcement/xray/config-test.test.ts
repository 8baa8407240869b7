import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { chmod, mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { testConfig } from "../../../src/enforcement/xray/config-test.ts";
import type { EngineKind } from "../../../src/enforcement/xray/engine-kind.ts";
import { freshSecret } from "../../../src/enforcement/xray/fresh-secret.ts";
import { planNeutralise } from "../../../src/enforcement/xray/neutralise.ts";
import { userName } from "../../../src/names.ts";

const v2ray = "/usr/bin/v2ray";
const missing = !existsSync(v2ray);
const asRoot = process.getuid?.() === 0;
const nobody = { uid: 65534, gid: 65534 };
const signal = new AbortController().signal;

describe("testConfig() with Debian's v2ray", () => {
  test.skipIf(missing)("accepts a config and creates no log file (needs /usr/bin/v2ray)", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const path = writeConfig(folder.path, runnable(folder.path));
    await testConfig({ binary: v2ray, kind: "v2ray4", user: undefined, path, signal });
    expect(readdirSync(folder.path)).toEqual(["config.json"]);
  });

  test.skipIf(missing || !asRoot)(
    "accepts one that only we can read, as another user (needs /usr/bin/v2ray and root)",
    async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
      const path = writeConfig(folder.path, runnable(folder.path));
      await chmod(path, 0o600);
      await testConfig({ binary: v2ray, kind: "v2ray4", user: nobody, path, signal });
      expect(readdirSync(folder.path)).toEqual(["config.json"]);
    },
  );

  test.skipIf(missing)("accepts every protocol's fresh secret (needs /usr/bin/v2ray)", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const everybody = new Set(["alice", "bob", "carol", "dave"].map(userName));
    const { text, held } = planNeutralise(runnable(folder.path), everybody, "all", freshSecret);
    expect(held).toHaveLength(4);
    await testConfig({
      binary: v2ray,
      kind: "v2ray4",
      user: undefined,
      path: writeConfig(folder.path, text),
      signal,
    });
  });

  test.skipIf(missing)(
    "refuses with the engine's reason and without Go's stack (needs /usr/bin/v2ray)",
    async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
      const path = writeConfig(folder.path, '{"inbounds": "none at all", "outbounds": []}');
      const outcome = testConfig({ binary: v2ray, kind: "v2ray4", user: undefined, path, signal });
      await expect(outcome).rejects.toThrow(
        /^Cannot use the config ".*config\.json": "\/usr\/bin\/v2ray" refuses it with status 2: .*cannot unmarshal string/,
      );
      await expect(outcome).rejects.not.toThrow("goroutine");
    },
  );
});

describe("testConfig() with a stand-in engine", () => {
  test.for([
    { kind: "xray", want: /^run -test -c \/.+\/config\.json$/ },
    { kind: "v2ray4", want: /^-test -config \/.+\/config\.json$/ },
    { kind: "v2ray5", want: /^test -c \/.+\/config\.json$/ },
  ] as const satisfies { kind: EngineKind; want: RegExp }[])(
    "speaks the command line of $kind",
    async ({ kind, want }) => {
      await using engine = await standIn('echo "$@" >&2; exit 23');
      const outcome = testConfig({
        binary: engine.binary,
        kind,
        user: undefined,
        path: engine.config,
        signal,
      });
      const { message } = (await outcome.catch((error: unknown) => error)) as Error;
      expect(message.split("with status 23: ")[1]).toMatch(want);
    },
  );

  test.skipIf(!asRoot)("runs it as the unit's user, on a copy he cannot change (needs root)", async () => {
    await using engine = await standIn(
      'for copy; do :; done; id -u; id -g; stat -c %a:%u "$copy"; touch "${copy%/*}/x" 2>/dev/null && echo planted; exit 1',
    );
    const outcome = testConfig({
      binary: engine.binary,
      kind: "xray",
      user: nobody,
      path: engine.config,
      signal,
    });
    await expect(outcome).rejects.toThrow("with status 1: 65534; 65534; 400:65534");
  });

  test("leaves no copy behind", async () => {
    await using engine = await standIn('for copy; do :; done; echo "$copy"; exit 1');
    const outcome = testConfig({
      binary: engine.binary,
      kind: "xray",
      user: undefined,
      path: engine.config,
      signal,
    });
    const { message } = (await outcome.catch((error: unknown) => error)) as Error;
    const copy = message.split("with status 1: ")[1] ?? "";
    expect(copy).toMatch(/config\.json$/);
    expect(existsSync(copy)).toBe(false);
  });

  test("does not take an engine that cannot be run for one that refuses", async () => {
    await using engine = await standIn("exit 0");
    const outcome = testConfig({
      binary: `${engine.binary}.gone`,
      kind: "xray",
      user: undefined,
      path: engine.config,
      signal,
    });
    await expect(outcome).rejects.toThrow(/cannot be asked: .*ENOENT/);
  });

  test("does not take an engine that was killed for one that accepts", async () => {
    await using engine = await standIn("kill -9 $$");
    const outcome = testConfig({
      binary: engine.binary,
      kind: "xray",
      user: undefined,
      path: engine.config,
      signal,
    });
    await expect(outcome).rejects.toThrow("cannot be asked");
  });

  test("stops when it is told to", async () => {
    await using engine = await standIn("exec sleep 60");
    const stop = new AbortController();
    const outcome = testConfig({
      binary: engine.binary,
      kind: "xray",
      user: undefined,
      path: engine.config,
      signal: stop.signal,
    });
    stop.abort(new Error("shutting down"));
    await expect(outcome).rejects.toThrow("shutting down");
  });

  test("throws on a config that is no JSON before it asks anybody", async () => {
    await using engine = await standIn("exit 0");
    writeFileSync(engine.config, "{");
    const outcome = testConfig({
      binary: engine.binary,
      kind: "xray",
      user: undefined,
      path: engine.config,
      signal,
    });
    await expect(outcome).rejects.toThrow(SyntaxError);
  });
});

function runnable(logs: string): string {
  return readFileSync(new URL("../../fixtures/xray/runnable.json", import.meta.url), "utf8").replaceAll(
    "LOGS",
    logs,
  );
}

function writeConfig(folder: string, text: string): string {
  const path = join(folder, "config.json");
  writeFileSync(path, text);
  return path;
}

/** A shell script in the engine's place, with a config to test. */
async function standIn(script: string): Promise<{ binary: string; config: string } & AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
  await chmod(folder.path, 0o755);
  const binary = join(folder.path, "engine");
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { binary, config: writeConfig(folder.path, "{}"), [Symbol.asyncDispose]: () => folder.remove() };
}

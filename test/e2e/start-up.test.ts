/** What commands load: the rest of what they cost to start is a bench (`BENCH_ONLY=start`). */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI, makeSluice, type Sluice } from "../support/sluice.ts";

const PRELOAD = fileURLToPath(new URL("../support/report-loaded.ts", import.meta.url));

let sluice: Sluice;

beforeAll(async () => {
  sluice = await makeSluice({ xray: null, hosts: {} });
});
afterAll(() => sluice[Symbol.asyncDispose]());

describe("a command that needs no socket", () => {
  test.each([
    ["sluice", "--version"],
    ["sluice", "--help"],
    ["sluice", "config", "check"],
    ["sluice", "events"],
    ["sluice", "hosts", "list"],
    ["sluice", "xray", "drop-in", "--print"],
    ["sluice", "status"], // as long as there is no daemon
    ["capture-host", "--help"],
    ["cek-bw-limit", "--help"],
    ["cek-bw-limit", "menu"],
  ])("%s %s %s loads neither gRPC nor SQLite, nor foreign functions", async (name, ...words) => {
    const loaded = await loadedBy(name, words);
    expect(loaded.filter((one) => /grpc|protobuf|sqlite|koffi/.test(one))).toEqual([]);
  });
});

test("a command that asks the daemon loads gRPC, and is seen to", async () => {
  await using daemon = await sluice.start();
  expect(daemon.pid).toBeGreaterThan(0);
  expect(await loadedBy("sluice", ["users"])).toContain("@grpc/grpc-js");
  expect(await loadedBy("sluice", ["menu"])).not.toContain("@grpc/grpc-js"); // its commands ask, not it
});

async function loadedBy(name: string, words: readonly string[]): Promise<readonly string[]> {
  const config = words.some((word) => word.startsWith("--h") || word === "--version")
    ? []
    : ["--config", sluice.settingsPath];
  const asked = promisify(execFile)(process.execPath, ["--import", PRELOAD, CLI, ...words, ...config], {
    env: { ...process.env, SLUICE_CALLED_AS: name },
  });
  asked.child.stdin?.end();
  const { stderr } = await asked.catch((error: unknown) => error as { stderr: string }); // a refusal loads what it loads as well
  const [, packages] = /^loaded: (.*)$/m.exec(stderr) ?? [];
  if (packages === undefined) throw new Error(`Nothing was told: ${stderr}`);
  return packages.split(" ").filter((one) => one !== "");
}

/** kill -9 while names pour in: whole lines, none twice, and at most a second of names lost. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { countOf } from "../support/fault-counts.ts";
import { lineOf, storeFolder } from "./opened-store.ts";

const KILLS = countOf(5, 100);
/** What may be lost. */
const SECOND_MS = 1_000;
const PROGRAM = join(import.meta.dirname, "programs/see-names.ts");

describe("HostsStore under kill -9", () => {
  test(`${KILLS} times`, { timeout: 10_000 + KILLS * 5_000 }, async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      await using folder = await storeFolder();
      const promised = await seenBeforeKill(folder.path, SECOND_MS + Math.random() * 500);
      (await folder.open())[Symbol.dispose]();
      const lines = readFileSync(folder.log, "latin1").split("\n");
      expect(lines.pop()).toBe(""); // behind the last line's end
      expect(lines.findIndex((line, index) => line !== lineOf(`name-${index + 1}.example`))).toBe(-1);
      expect(promised).toBeGreaterThan(0);
      expect(lines.length).toBeGreaterThanOrEqual(promised);
    }
  });
});

/** @returns how many names were seen more than a second before the program was killed. */
async function seenBeforeKill(folder: string, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let said = "";
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    said += text;
  });
  await once(child.stdout, "data");
  await delay(afterMs);
  const killedAt = Date.now();
  child.kill("SIGKILL");
  await closed;
  const counts = said
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" ").map(Number));
  return counts.findLast(([, at = 0]) => at < killedAt - SECOND_MS)?.[0] ?? 0;
}

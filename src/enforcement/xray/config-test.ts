/**
 * Asks the engine itself whether it would start with a config.
 *
 * It is asked as the unit's user, who may not be able to read a certificate
 * that root can, and about a copy without log files (silence-logs.ts says why).
 */
import { execFile } from "node:child_process";
import { chmod, chown, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { reasonOf } from "../../errors.ts";
import type { EngineKind } from "./engine-kind.ts";
import { silenceLogs } from "./silence-logs.ts";

export interface ConfigTest {
  /** The engine's executable, as an absolute path. */
  readonly binary: string;
  readonly kind: EngineKind;
  /** Whom the unit runs the engine as; undefined for ourselves. Supplementary groups are not taken on. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** The config to test. Read by us, so the engine's user need not be able to. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** A check reads some files and exits: measured at 30 ms. More than this is a hang. */
const LONGEST_TEST_MS = 30_000;

/**
 * Resolves if the engine accepts the config.
 *
 * @throws {Error} with the engine's own reason if it refuses, or with ours if
 * it cannot be asked; `signal.reason` when aborted.
 */
export async function testConfig(options: ConfigTest): Promise<void> {
  const { binary, kind, user, path, signal } = options;
  signal.throwIfAborted();
  const silenced = silenceLogs(await readFile(path, "utf8"));
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-config-"));
  // The engines tell a file's format by its ending.
  const copy = join(folder.path, "config.json");
  await writeFile(copy, silenced, { flag: "wx", mode: 0o400 });
  if (user) {
    await chown(copy, user.uid, user.gid);
    // Enough to reach the copy, which is his alone; the folder stays ours, so that he cannot plant anything in it.
    await chmod(folder.path, 0o711);
  }
  try {
    await run(binary, ARGUMENTS[kind](copy), {
      ...(user && { uid: user.uid, gid: user.gid }),
      // A unit's working folder, unless it says otherwise: relative paths mean the same in the test.
      cwd: "/",
      signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_TEST_MS)]),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`Cannot use the config "${path}": ${refusal(error, binary)}`, { cause: error });
  }
}

const run = promisify(execFile);

const ARGUMENTS: Record<EngineKind, (path: string) => string[]> = {
  xray: (path) => ["run", "-test", "-c", path],
  v2ray4: (path) => ["-test", "-config", path],
  v2ray5: (path) => ["test", "-c", path],
};

/** The engine's last words, from its panic on if it panicked: below that stands only Go's stack. */
function refusal(error: unknown, binary: string): string {
  const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
  if (typeof code !== "number") return `"${binary}" cannot be asked: ${reasonOf(error)}`;
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  const panic = lines.find((line) => line.startsWith("panic: "));
  const words = panic ? [panic.slice("panic: ".length)] : lines.slice(-3);
  return `"${binary}" refuses it with status ${code}: ${words.join("; ") || "it gave no reason"}`;
}

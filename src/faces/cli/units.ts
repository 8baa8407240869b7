/** Sluice's own units, stopped while something is done and started again. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { reasonOf } from "../../errors.ts";

export const ENFORCER_UNIT = "bw-limit-check.service";
export const CAPTURE_UNIT = "host-capture.service";
export const WEB_UNIT = "sluice-web.service";

/** systemd itself gives a unit 90 s to stop and 90 s to start. */
const DEADLINE_MS = 200_000;

/**
 * Stops those that run. Starts them again when it is disposed, whatever happened.
 *
 * @throws {Error} when one cannot be stopped; those before it run again.
 */
export async function stopUnits(
  units: readonly string[],
): Promise<AsyncDisposable & { readonly stopped: readonly string[] }> {
  const stopped: string[] = [];
  const startAgain = async () => {
    const failed: string[] = [];
    for (const unit of stopped.splice(0).toReversed()) {
      await systemctl("start", unit).catch((error: unknown) => failed.push(`${unit}: ${reasonOf(error)}`));
    }
    if (failed.length > 0) throw new Error(`Cannot start ${failed.join("; ")}`);
  };
  try {
    for (const unit of units) {
      if (!(await isActive(unit))) continue;
      stopped.push(unit); // also one that was stopped half
      await systemctl("stop", unit);
    }
  } catch (error) {
    await startAgain();
    throw new Error(`Cannot stop ${stopped.at(-1) ?? "a unit"}: ${reasonOf(error)}`, { cause: error });
  }
  return { stopped: [...stopped], [Symbol.asyncDispose]: startAgain };
}

/** False without systemd. @throws {Error} when it does not answer in time. */
async function isActive(unit: string): Promise<boolean> {
  return systemctl("is-active", "--quiet", unit).then(
    () => true,
    (error: { code?: unknown }) => {
      if (typeof error.code === "number" || error.code === "ENOENT") return false;
      throw error;
    },
  );
}

async function systemctl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)("systemctl", [...args], { timeout: DEADLINE_MS });
}

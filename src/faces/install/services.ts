/** systemd, as far as an installation needs it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { systemdRuns } from "../../enforcement/xray/engine-drop-in.ts";
import { reasonOf } from "../../errors.ts";

export interface Services {
  isActive(unit: string): Promise<boolean>;
  /** Resolves when it says that it is ready. @throws {Error} with what systemd says. */
  start(unit: string): Promise<void>;
  /** No error for one that is not known. */
  stop(unit: string): Promise<void>;
  reload(): Promise<void>;
  /** Makes the users that sysusers.d names. @throws {Error} */
  makeUsers(): Promise<void>;
  /** Makes the folders that tmpfiles.d names. @throws {Error} */
  makeFolders(): Promise<void>;
}

/** systemd itself gives a unit 90 s. */
const DEADLINE_MS = 120_000;
/** Unknown to systemd. */
const NOT_LOADED = 5;

/** Undefined where nothing can be started: another root than the host's, or no running systemd. */
export function servicesOf(root: string): Services | undefined {
  if (root !== "/" || !systemdRuns()) return undefined;
  return {
    isActive: async (unit) => {
      const { stdout } = await run("systemctl", ["show", "--property=ActiveState", "--value", unit]);
      return ["active", "activating", "reloading"].includes(stdout.trim());
    },
    start: async (unit) => void (await run("systemctl", ["start", unit])),
    stop: async (unit) => {
      await run("systemctl", ["stop", unit]).catch((error: unknown) => {
        if ((Object(error).cause as { code?: unknown } | undefined)?.code !== NOT_LOADED) throw error;
      });
    },
    reload: async () => void (await run("systemctl", ["daemon-reload"])),
    makeUsers: async () => void (await run("systemd-sysusers", ["/etc/sysusers.d/sluice.conf"])),
    makeFolders: async () =>
      void (await run("systemd-tmpfiles", ["--create", "/etc/tmpfiles.d/sluice.conf"])),
  };
}

async function run(program: string, words: readonly string[]): Promise<{ stdout: string }> {
  try {
    return await promisify(execFile)(program, [...words], { timeout: DEADLINE_MS });
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    throw new Error(`Cannot run "${[program, ...words].join(" ")}": ${stderr.trim() || reasonOf(error)}`, {
      cause: error,
    });
  }
}

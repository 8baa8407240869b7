/**
 * An engine in a cgroup of its own, as in a unit of systemd's, and a stop that
 * does what systemd does: the unit's stop commands, run in that cgroup too, then
 * SIGTERM.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cgroupMountIn } from "../../src/kernel/cgroup-mount.ts";
import type { EngineProgram } from "./engines.ts";
import { needs } from "./requirements.ts";
import { CLI } from "./sluice.ts";

export interface EngineUnit extends Disposable {
  /** The same engine; whoever starts it starts it in the unit's cgroup. */
  readonly program: EngineProgram;
  /** Runs `sluice` with these arguments as the unit's ExecStop does. @returns what it wrote to its standard output. */
  execStop(args: readonly string[]): Promise<string>;
}

const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8"));
const JOIN = 'echo $$ >"$0" && exec "$@"';

/** "" if a unit can be made here, else why not. */
export const unitsNeed = needs("root", "nft") || (mount === undefined ? " (needs: cgroup v2)" : "");

export function makeEngineUnit(program: EngineProgram): EngineUnit {
  const slice = join(mount ?? "", `sluice-test-${randomBytes(4).toString("hex")}.slice`);
  const unit = join(slice, "engine.service");
  mkdirSync(unit, { recursive: true });
  const inside = (command: string, args: readonly string[]) => [
    ...["-c", JOIN, join(unit, "cgroup.procs")],
    ...[command, ...args],
  ];
  return {
    program: {
      ...program,
      command: "/bin/sh",
      args: (config) => inside(program.command, program.args(config)),
    },
    execStop: async (args) => {
      const words = inside(process.execPath, [CLI, ...args]);
      return (await promisify(execFile)("/bin/sh", words, { timeout: 20_000 })).stdout;
    },
    // Empty by then: engines are ended by whoever started them.
    [Symbol.dispose]: () => {
      rmdirSync(unit);
      rmdirSync(slice);
    },
  };
}

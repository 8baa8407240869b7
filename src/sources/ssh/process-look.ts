/**
 * Looks for processes of SSH servers, often and cheaply.
 *
 * Of a pid that belonged to another program a moment ago nothing is read again
 * for a while, and a look through thousands of processes lets others have their
 * turn: the loop that meters runs in the same thread.
 */
import { basename } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { executableOf, processIds, statusOf } from "../../kernel/processes.ts";
import { type SshProcess, sshDaemonOf } from "./login-processes.ts";

/** Some 2 ms. */
const AT_ONCE = 100;
/** A process may become another program: so many looks until all are read again. */
const LOOKS = 20;

export class ProcessLook {
  #others = new Set<number>();
  #looks = 0;

  /** Those of SSH servers, by the files they run. */
  async look(): Promise<readonly SshProcess[]> {
    const pids = processIds();
    this.#looks += 1;
    this.#others = this.#looks % LOOKS === 0 ? new Set() : this.#others.intersection(new Set(pids));
    const unknown = pids.filter((pid) => !this.#others.has(pid));
    const found: SshProcess[] = [];
    for (const [at, pid] of unknown.entries()) {
      if (at % AT_ONCE === AT_ONCE - 1) await turn();
      const status = statusOf(pid);
      if (!status) continue;
      if (sshDaemonOf(status.name) === undefined) {
        this.#others.add(pid);
        continue;
      }
      const daemon = sshDaemonOf(basename(executableOf(pid) ?? ""));
      if (daemon) found.push({ pid, parent: status.parent, uid: status.uid, daemon });
    }
    return found;
  }
}

/**
 * The connections that were put into cgroups of their own, one for each.
 *
 * A cgroup is named `<pid>-<start time>`, which names one process for good within
 * a boot: what an earlier run put there is known again, and a reused pid is no
 * old acquaintance.
 */
import { type Cgroup, type Cgroups, openCgroups } from "../../kernel/cgroups.ts";
import { processStart } from "../../kernel/process.ts";
import type { UserName } from "../../names.ts";

/** The folder they lie in, at the top of the v2 tree. */
export const SESSIONS = "sluice-ssh";

export interface OpenSession {
  /** The daemon's process for this connection. */
  readonly pid: number;
  readonly cgroup: Cgroup;
  user: UserName | undefined;
  /** The socket of the client's own connection, known with the user: what it carries is counted at the tunnels' far ends. */
  client: bigint | undefined;
  /** Whether the kernel was told whose it is. */
  mapped: boolean;
  /** It may have sockets that were made before it was put into its cgroup. */
  readonly late: boolean;
  /** The flows of those that were marked, by socket. */
  readonly marked: Set<bigint>;
}

export class SessionCgroups {
  readonly #cgroups: Cgroups;
  readonly #sessions = new Map<string, OpenSession>();

  /** @throws {KernelUnavailableError} where there are no cgroups of version 2. */
  constructor(parent: string) {
    this.#cgroups = openCgroups(parent);
  }

  get all(): readonly OpenSession[] {
    return [...this.#sessions.values()];
  }

  /** The session of the very process that has this pid now. */
  of(pid: number): OpenSession | undefined {
    return this.#sessions.get(nameOf(pid) ?? "");
  }

  /** Puts a process into a cgroup of its own, unless it is in it or gone. */
  adopt(pid: number, late: boolean): void {
    const name = nameOf(pid);
    if (name === undefined || this.#sessions.has(name)) return;
    const cgroup = this.#cgroups.make(name);
    if (this.#cgroups.moveInto(name, pid)) {
      this.#sessions.set(name, {
        pid,
        cgroup,
        user: undefined,
        client: undefined,
        mapped: false,
        late,
        marked: new Set(),
      });
    } else {
      this.#cgroups.remove(name);
    }
  }

  isEmpty({ cgroup }: OpenSession): boolean {
    return this.#cgroups.pids(cgroup.name).length === 0;
  }

  /** Kills all its processes. @returns those still alive after about 2 s. */
  kill({ cgroup }: OpenSession): Promise<number[]> {
    return this.#cgroups.kill(cgroup.name);
  }

  /** Those nobody is in and nobody will be put into: ours, and what an earlier run left. */
  emptied(): Cgroup[] {
    return this.#cgroups
      .list()
      .filter((name) => this.#cgroups.pids(name).length === 0 && !isAwaited(name))
      .map((name) => this.#sessions.get(name)?.cgroup ?? this.#cgroups.make(name));
  }

  forget({ name }: Cgroup): void {
    this.#cgroups.remove(name);
    this.#sessions.delete(name);
  }
}

function nameOf(pid: number): string | undefined {
  const start = processStart(pid);
  return start === undefined ? undefined : `${pid}-${start}`;
}

/** Whether the process that the cgroup is named for lives: it may be about to be put into it. */
function isAwaited(name: string): boolean {
  return nameOf(Number.parseInt(name, 10)) === name;
}

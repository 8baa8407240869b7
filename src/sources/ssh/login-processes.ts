/**
 * Which processes serve somebody who is logged in by SSH.
 *
 *   sshd (root)                        sshd, sshd-session
 *     sshd, as root                    one for each connection
 *       sshd, as the user              once he is logged in: this is the session
 *   dropbear (root)
 *     dropbear, as the user            2025.89 and later
 *     dropbear, as root                before: only its log tells whose it is
 *
 * A user can run a program of that name himself; its parent is then his, too.
 *
 * Pure: no clock, no I/O.
 */
export type SshDaemon = "sshd" | "dropbear";

/** A process that calls itself an SSH server. */
export interface SshProcess {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly daemon: SshDaemon;
}

export interface LoginProcess {
  readonly pid: number;
  readonly daemon: SshDaemon;
  /** Whose it is, by uid, or by name where it stays root. */
  readonly user: number | string;
}

const DAEMONS: Readonly<Record<string, SshDaemon>> = {
  sshd: "sshd",
  "sshd-session": "sshd",
  dropbear: "dropbear",
  dropbearmulti: "dropbear",
};

/** @param name of an executable, without folder. @returns undefined for another program. */
export function sshDaemonOf(name: string): SshDaemon | undefined {
  return Object.hasOwn(DAEMONS, name) ? DAEMONS[name] : undefined;
}

/**
 * @param rootUsers of Dropbear's processes that stay root, by pid.
 * @param known pids of the look before: who is served stays so when the listener is restarted.
 */
export function loginProcesses(
  processes: readonly SshProcess[],
  rootUsers: ReadonlyMap<number, string>,
  known: ReadonlySet<number>,
): readonly LoginProcess[] {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  return processes.flatMap(({ pid, parent, uid, daemon }): LoginProcess[] => {
    const above = byPid.get(parent);
    const root = daemon === "dropbear" && uid === 0 ? rootUsers.get(pid) : undefined;
    if (root !== undefined) return [{ pid, daemon, user: root }];
    const isServed = known.has(pid) || (above?.daemon === daemon && above.uid === 0);
    return uid !== 0 && isServed ? [{ pid, daemon, user: uid }] : [];
  });
}

/** Dropbear's sessions, tied to the kernel objects of the accounts they log in to. */
import { marksOf, SERVICE_SSH } from "../kernel/account-marks.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import { LOGIN_FILES } from "../logs/login-log.ts";
import type { UserName } from "../names.ts";
import { DropbearSessions } from "../sources/ssh/dropbear-sessions.ts";
import type { SshBackend } from "./ssh-backend.ts";

export interface RootSessionsOptions {
  readonly backend: SshBackend;
  readonly sockets: SocketTable;
  /** Where logins are told: "auto", a path, or null for nowhere. */
  readonly authLog: string | null;
  /** The account's number in the kernel; undefined for who is not metered. */
  readonly numberOf: (user: UserName) => number | undefined;
}

/** As long as no Dropbear runs this opens nothing. */
export function openRootSessions(options: RootSessionsOptions): Promise<DropbearSessions> {
  const { backend, sockets, authLog, numberOf } = options;
  return DropbearSessions.open({
    hands: {
      markCgroup: (cgroup, user) => backend.claimCgroup(cgroup, user),
      unmarkCgroup: (cgroup) => backend.releaseCgroup(cgroup),
      markFlow: (local, remote, user) => {
        const number = numberOf(user);
        return number !== undefined && backend.claimFlow(local, remote, marksOf(number, SERVICE_SSH).forward);
      },
    },
    sockets,
    paths: authLog === "auto" ? LOGIN_FILES : authLog === null ? [] : [authLog],
    journal: authLog === "auto",
  });
}

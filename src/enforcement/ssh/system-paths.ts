/** Where this system keeps what belongs to a login; another root in tests. */
export interface SystemPaths {
  readonly passwd: string;
  readonly shadow: string;
  readonly group: string;
  readonly subuid: string;
  readonly subgid: string;
  readonly sudoers: string;
  readonly homes: string;
  /** Debian's folder of crontabs, and the one other systems have. */
  readonly crontabs: readonly string[];
  readonly cronFolder: string;
  readonly atJobs: string;
  readonly mail: string;
  readonly linger: string;
  readonly mounts: string;
}

export const SYSTEM: SystemPaths = {
  passwd: "/etc/passwd",
  shadow: "/etc/shadow",
  group: "/etc/group",
  subuid: "/etc/subuid",
  subgid: "/etc/subgid",
  sudoers: "/etc/sudoers",
  homes: "/home",
  crontabs: ["/var/spool/cron/crontabs", "/var/spool/cron"],
  cronFolder: "/etc/cron.d",
  atJobs: "/var/spool/cron/atjobs",
  mail: "/var/mail",
  linger: "/var/lib/systemd/linger",
  mounts: "/proc/self/mountinfo",
};

/** SSH: who listens, and whether its users can be told apart (facts: legacy-scripts 2.1). */
import type { Case } from "../case.ts";
import { type Finding, ok, problem, someOf, unseen, warning } from "../finding.ts";
import { logins } from "../known-names.ts";
import { type ProcessFacts, programOf } from "../process-table.ts";
import { trustedProgram } from "../trusted-program.ts";

/** First version that gives up root after a login (CVE-2025-14282). */
const GIVES_UP_ROOT = [2025, 89] as const;
const NAMES: ReadonlySet<string> = new Set(["dropbear", "dropbearmulti"]);

/** @param tellsCgroups why cgroups cannot tell its sessions apart; undefined where they can. */
export async function lookAtDropbear(
  { host, settings, processes, daemon }: Case,
  tellsCgroups: () => Promise<string | undefined>,
): Promise<Finding[]> {
  const check = "ssh-dropbear";
  if (!settings.ssh) return [];
  const running = listenersAmong(processes);
  if (running.length === 0) return [ok(check, "no Dropbear runs")];
  const programs = new Set(running.map((each) => trustedProgram(host, each)));
  const findings: Finding[] = [];
  for (const program of programs) {
    const said = program === undefined ? undefined : await host.run(host.place(program), ["-V"]);
    const [, year, number] = /v(\d{4})\.(\d+)/.exec(`${said?.stdout}${said?.stderr}`) ?? [];
    if (year === undefined || number === undefined) {
      findings.push(unseen(check, "the version of the Dropbear that runs, as its program cannot be asked"));
      continue;
    }
    const name = `Dropbear ${year}.${number}`;
    if (
      Number(year) > GIVES_UP_ROOT[0] ||
      (Number(year) === GIVES_UP_ROOT[0] && Number(number) >= GIVES_UP_ROOT[1])
    ) {
      findings.push(ok(check, `${name} gives up root after a login: its users are known by their uid`));
      continue;
    }
    const obstacle = daemon
      ? notCounted(daemon.status.sources.find((source) => source.name === "ssh"))
      : await tellsCgroups();
    const update = "update Dropbear to 2025.89 or later";
    findings.push(
      obstacle === undefined
        ? ok(check, `${name} keeps root after a login: its users are told apart by cgroup`)
        : problem(
            check,
            `${name} keeps root after a login, and its users are not counted: ${obstacle}`,
            update,
          ),
    );
  }
  return findings;
}

/** Children serve a client; a listener has none of its kind above it. */
function listenersAmong(processes: readonly ProcessFacts[]): ProcessFacts[] {
  const all = processes.filter((each) => NAMES.has(programOf(each)));
  const pids = new Set(all.map(({ pid }) => pid));
  return all.filter(({ parent }) => !pids.has(parent));
}

/** What the daemon says of it, where it says anything that takes all its users away. */
function notCounted(
  ssh:
    | { readonly answering: boolean; readonly trouble: string; readonly notes: readonly string[] }
    | undefined,
): string | undefined {
  if (ssh === undefined) return undefined; // nobody has a login
  if (!ssh.answering) return ssh.trouble;
  return ssh.notes.find((note) => /Dropbear/.test(note) && /not counted|by iptables/.test(note));
}

/** What passes by every rule, because no socket of the user's carries it. */
export function lookAtSshd({ host, settings }: Case): Finding[] {
  const check = "ssh-unseen";
  const users = logins({ host, settings });
  if (users.length === 0) return [];
  const shells = users.filter(({ shell }) => !/(?:nologin|false)$/.test(shell));
  const files = [
    "/etc/ssh/sshd_config",
    ...host.entries("/etc/ssh/sshd_config.d").map((name) => `/etc/ssh/sshd_config.d/${name}`),
  ];
  const texts = files.map((file) => host.read(file) ?? "");
  const forwards = !texts.some((text) => /^\s*AllowStreamLocalForwarding\s+(?:no|remote)\b/im.test(text));
  if (shells.length === 0 && !forwards) {
    return [
      ok(check, "logins have no shell, and sshd forwards to no Unix socket: nothing of theirs goes unseen"),
    ];
  }
  const names = someOf(shells.map(({ name }) => name));
  const open = [
    ...(shells.length > 0 ? [`${shells.length} of ${users.length} logins have a shell (${names})`] : []),
    ...(forwards ? ["sshd allows such forwards"] : []),
  ];
  return [
    warning(
      check,
      `not seen: scp, sftp and commands, and forwards to Unix sockets; ${open.join(", and ")}`,
      [
        ...(shells.length > 0 ? ["for who is no operator: usermod -s /usr/sbin/nologin"] : []),
        ...(forwards ? ["in sshd_config: AllowStreamLocalForwarding no"] : []),
      ].join("; "),
    ),
  ];
}

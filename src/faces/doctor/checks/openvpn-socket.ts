/** The management interface: who may reach it, and who holds it (facts: openvpn 4). */
import { dirname, join } from "node:path";
import type { ChosenServer } from "../../cli/openvpn-server.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, someOf } from "../finding.ts";
import type { Host } from "../host.ts";

const CHECK = "openvpn-holders";
const SETUP = "sluice openvpn setup puts it into a folder of root's";

export function judgeSocket({ name, standing }: ChosenServer, { host }: Case): Finding[] {
  const check = "openvpn-socket";
  const { management } = standing;
  if (management === undefined) return [];
  const { address, unix, passwordFile } = management;
  const findings = passwordFile === undefined ? [] : judgePassword(check, passwordFile, host);
  if (unix) {
    const folder = host.stat(dirname(address));
    const mode = (folder?.mode ?? 0) & 0o777;
    // The socket itself is open to all whatever its server says: openvpn binds it with a umask of 0.
    if (!folder) return findings; // made before the server starts, or its start fails
    if ((mode & 0o001) !== 0 && passwordFile === undefined) {
      findings.push(
        problem(
          check,
          `everybody on this host may end clients of ${name} and read their passwords: ${address} is open to all, and so is its folder (${mode.toString(8)})`,
          SETUP,
        ),
      );
    }
  } else if (!/^(?:127\.|localhost:|\[::1\])/.test(address)) {
    findings.push(
      problem(check, `the management interface of ${name} is open to the network (${address})`, SETUP),
    );
  } else if (passwordFile === undefined) {
    findings.push(
      problem(
        check,
        `everybody on this host may end clients of ${name}: ${address} asks for no password`,
        SETUP,
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [ok(check, `only root reaches the management interface of ${name}`)];
}

function judgePassword(check: string, path: string, host: Host): Finding[] {
  if (path === "stdin") return [];
  const file = host.stat(path);
  if (!file)
    return [problem(check, `the management interface's password file ${path} is not there`, "put it back")];
  return (file.mode & 0o007) === 0
    ? []
    : [
        problem(
          check,
          `everybody may read the management interface's password (${path}, ${(file.mode & 0o777).toString(8)})`,
          `chmod 600 ${path}`,
        ),
      ];
}

/** OpenVPN serves one program at a time; the others wait, and are told nothing. */
export async function lookForHolders(
  servers: readonly ChosenServer[],
  { host, settings, daemon }: Case,
): Promise<Finding[]> {
  const findings = servers.flatMap(judgeDoor);
  const said = servers.length === 0 ? undefined : await host.run("ss", ["-xpnH"]);
  if (said?.status !== 0 || daemon === undefined) return findings;
  const ends = endsIn(said.stdout);
  for (const { name, standing } of servers) {
    const { address } = standing.management ?? {};
    const peers = new Set(ends.filter(({ path }) => path === address).map(({ peer }) => peer));
    const holders = ends.filter(({ inode }) => peers.has(inode)).flatMap(({ users }) => users);
    const others = holders.filter(({ pid }) => pid !== daemon.status.pid);
    if (others.length === 0) continue;
    const names = someOf(others.map(({ program, pid }) => `${program} (pid ${pid})`));
    findings.push(
      problem(
        CHECK,
        `${names} is at ${address} too, where OpenVPN serves one program at a time and lets the others wait`,
        `stop it, or have it use ${join(settings.runtimeDirectory, `openvpn-${name}.sock`)}, which many may share`,
      ),
    );
  }
  return findings;
}

/** Lines that let only some in turn everybody else away in silence (facts: openvpn 4). */
function judgeDoor({ standing }: ChosenServer): Finding[] {
  const door = standing.options.find(({ name }) => /^management-client(?:-user|-group)?$/.test(name));
  if (door === undefined) return [];
  return [
    problem(
      CHECK,
      `${door.name} turns Sluice away at the management interface, root as it is`,
      "sluice openvpn setup takes it out, and puts the socket into a folder that only root enters",
    ),
  ];
}

interface End {
  /** "" for one without a name. */
  readonly path: string;
  readonly inode: string;
  readonly peer: string;
  readonly users: readonly { readonly program: string; readonly pid: number }[];
}

/** `ss -x`: netid, state, two queues, then path and inode of either end, and who has it. */
function endsIn(text: string): readonly End[] {
  return text.split("\n").flatMap((line) => {
    const [, path, inode, peer, users = ""] =
      /^u_str\s+ESTAB\s+\d+\s+\d+\s+(\S+)\s+(\d+)\s+\S+\s+(\d+)\s*(.*)$/.exec(line) ?? [];
    if (path === undefined || inode === undefined || peer === undefined) return [];
    const found = [...users.matchAll(/\("([^"]*)",pid=(\d+),/g)];
    return [
      {
        path: path === "*" ? "" : path,
        inode,
        peer,
        users: found.map(([, program = "", pid]) => ({ program, pid: Number(pid) })),
      },
    ];
  });
}

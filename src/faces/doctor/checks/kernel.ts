/** What the kernel lets Sluice do: rules, marks, connection tracking, cgroups, the end of a socket. */
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { TRACKING_DROP_IN } from "../../../daemon/conntrack-room.ts";
import { KernelUnavailableError, reasonOf } from "../../../errors.ts";
import { CGROUP_ROOT, cgroupMountIn } from "../../../kernel/cgroup-mount.ts";
import { conntrackSize, enoughFor, roomNeeded } from "../../../kernel/conntrack-size.ts";
import { openSocketTable } from "../../../kernel/sock-diag.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, someOf, unseen, warning } from "../finding.ts";
import type { Host } from "../host.ts";
import { foreignMarks } from "./foreign-marks.ts";

export async function lookAtNftables({ host }: Case): Promise<Finding[]> {
  const check = "kernel-nftables";
  const iptables = host.program("iptables-save") !== undefined;
  const without = iptables
    ? "SSH is counted by iptables then, without gates"
    : "nobody is gated, and SSH is not counted";
  const ran = await host.run("nft", ["list", "tables"]);
  if (!ran)
    return [problem(check, `the nft command is not installed: ${without}`, "apt-get install nftables")];
  if (ran.status !== 0) {
    return [
      problem(
        check,
        `nft cannot be used: ${firstLine(ran.stderr)}: ${without}`,
        "it takes a kernel with nf_tables, in a container the host's leave (CAP_NET_ADMIN)",
      ),
    ];
  }
  const obstacle = await cgroupObstacle(host);
  return [
    ok(check, "nft works: gates can stand in the kernel"),
    obstacle === undefined
      ? ok("kernel-cgroups", "cgroups can be told apart in rules")
      : warning(
          "kernel-cgroups",
          `cgroups cannot be told apart in rules: ${obstacle}`,
          "only users of a Dropbear that keeps root need them",
        ),
  ];
}

/** Why a session that stays root cannot be told by its cgroup; undefined where it can. */
export async function cgroupObstacle(host: Host): Promise<string | undefined> {
  const mount = cgroupMountIn(host.read("/proc/self/mountinfo") ?? "");
  if (mount === undefined || !`${mount}/`.startsWith(`${CGROUP_ROOT}/`)) {
    return `no cgroup v2 is mounted below ${CGROUP_ROOT}`;
  }
  // Only tried: -c changes nothing.
  const ran = await host.run("nft", ["-c", "-f", "-"], TRIAL);
  if (ran === undefined) return "the nft command is not installed";
  return ran.status === 0 ? undefined : `it takes kernel 5.13 and nft 0.9.9 (${firstLine(ran.stderr)})`;
}

const TRIAL = `table inet sluice-doctor {
  map marks { type cgroupsv2 : mark; }
  chain out { type filter hook output priority 0; ct mark set socket cgroupv2 level 1 map @marks; }
}
`;

export function lookAtConntrack({ host }: Case): Finding[] {
  const check = "kernel-conntrack";
  const size = conntrackSize(host.place("/proc/sys"));
  if (size === undefined)
    return [ok(check, "connection tracking is not loaded yet; Sluice makes room when it loads it")];
  const needed = roomNeeded(host.place("/proc"));
  const { max, count } = size;
  const use = max === 0 ? "" : `, ${Math.round((100 * count) / max)} % used`;
  const text = `the connection tracking table has room for ${max === 0 ? "any number of" : max} entries${use}`;
  const full = max > 0 && count > FULL * max;
  if (enoughFor(size, needed) && !full) return [ok(check, text)];
  const to = Math.max(needed, full ? 2 * max : 0);
  const fix = { kind: "conntrack", from: max, to, dropIn: TRACKING_DROP_IN } as const;
  const advice = `raise it to ${to}: sysctl -w net.netfilter.nf_conntrack_max=${to}`;
  return full
    ? [problem(check, `${text}: a full one drops packets of everybody`, advice, fix)]
    : [warning(check, `${text}, ${needed} are advised`, advice, fix)];
}

/** Of the table; beyond, a burst of new connections fills it. */
const FULL = 0.8;

/** Tries it on a connection of its own over the loopback. */
export async function lookAtDestroy(): Promise<Finding[]> {
  const check = "kernel-destroy";
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const accepted = once(server, "connection");
  const client = createConnection({ host: "127.0.0.1", port });
  client.on("error", () => undefined); // its end is what is tried
  try {
    using table = openSocketTable();
    await once(client, "connect");
    const [far] = (await accepted) as [Socket];
    far.on("error", () => undefined);
    const local = { address: "127.0.0.1", port: client.localPort ?? 0 };
    const remote = { address: "127.0.0.1", port };
    const socket = table.find(local, remote);
    if (!socket) return [unseen(check, "a connection of the doctor's own is not in the socket table")];
    table.destroy(socket);
    const gone = table.find(local, remote)?.cookie !== socket.cookie;
    far.destroy();
    return gone
      ? [ok(check, "live connections can be ended (SOCK_DESTROY)")]
      : [
          problem(
            check,
            "the kernel says it ended a connection, and it lives",
            "live downloads of a cut user run on until they end; a gate stops them",
          ),
        ];
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    return [
      problem(
        check,
        `live connections cannot be ended: ${reasonOf(error)}`,
        "a cut stops new connections alone; a gate in the kernel stops all",
      ),
    ];
  } finally {
    client.destroy();
    server.close();
  }
}

/** Rules of others that mark connections: a mark that is not ours takes them past gate and counter. */
export async function lookForMarks({ host }: Case): Promise<Finding[]> {
  const check = "kernel-marks";
  const [nft, ...saved] = await Promise.all([
    host.run("nft", ["-t", "list", "ruleset"]),
    host.run("iptables-save", []),
    host.run("ip6tables-save", []),
  ]);
  if (nft === undefined && saved.every((each) => each === undefined)) {
    return [unseen(check, "neither nft nor iptables is installed")];
  }
  const refused = [nft, ...saved].find((each) => each !== undefined && each.status !== 0);
  const found = foreignMarks(
    nft?.stdout ?? "",
    saved.map((each) => each?.stdout ?? ""),
  );
  return [
    ...(found.length === 0
      ? refused
        ? [unseen(check, firstLine(refused.stderr))]
        : [ok(check, "no rule of another program's marks connections")]
      : [
          warning(
            check,
            `rules of other programs mark connections or keep them from being tracked: ${someOf(found, 3)}`,
            "a user's connection with such a mark is neither counted nor gated: have them leave users' traffic alone",
          ),
        ]),
  ];
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

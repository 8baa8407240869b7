/**
 * Which of this host's processes are Dropbear's, and what each of them is.
 *
 * A listener forks a child for each connection, which serves it to its end. A
 * listener that is restarted leaves its children running (KillMode=process), and
 * a child with a remote forward listens too: so neither parent nor sockets alone
 * tell the two apart.
 */
import { basename } from "node:path";
import { listeners } from "../../kernel/listeners.ts";
import { executableOf, parentOf, processesRunning, socketInodesOf } from "../../kernel/processes.ts";
import type { SocketTable } from "../../kernel/sockets.ts";

export interface DropbearProcesses {
  /** Of each listener the ports it takes connections on. */
  readonly listeners: ReadonlyMap<number, ReadonlySet<number>>;
  /** Those that serve a client, logged in or not. */
  readonly connections: readonly number[];
  /** Those that another program's listener started for one client (`dropbear -i`). */
  readonly inetd: readonly number[];
}

/** "dropbearmulti" is Dropbear with its tools in one file. */
const NAMES: ReadonlySet<string> = new Set(["dropbear", "dropbearmulti"]);

export function isDropbear(pid: number): boolean {
  return NAMES.has(basename(executableOf(pid) ?? ""));
}

/**
 * Looks through all processes: milliseconds on a busy host. Listeners of other
 * network namespaces (containers) are none here: their flows are not seen either.
 *
 * @param sockets of this network namespace.
 */
export function findDropbear(sockets: SocketTable): DropbearProcesses {
  const pids = processesRunning(NAMES);
  if (pids.length === 0) return { listeners: new Map(), connections: [], inetd: [] };

  const portOfInode = new Map(listeners().map(({ inode, port }) => [inode, port]));
  const inodes = new Map(pids.map((pid) => [pid, socketInodesOf(pid)]));
  const listening = new Map<number, Set<number>>();
  for (const [pid, held] of inodes) {
    const ports = [...held].flatMap((inode) => portOfInode.get(inode) ?? []);
    if (ports.length > 0) listening.set(pid, new Set(ports));
  }

  const dropbears = new Set(pids);
  // Root's, whoever logged in: what the listener accepted stays its.
  const connected = new Map(sockets.listOwnedBy(0).map(({ inode, local }) => [inode, local.port]));
  /** The local ports of the connections it holds. */
  const serves = (pid: number) => [...(inodes.get(pid) ?? [])].flatMap((inode) => connected.get(inode) ?? []);
  const isListener = ([pid, ports]: readonly [number, ReadonlySet<number>]) =>
    // Between accept and fork it holds a connection too, of a port of its own.
    !dropbears.has(parentOf(pid) ?? 0) && serves(pid).every((port) => ports.has(port));
  const found = new Map([...listening].filter(isListener));

  const ports = new Set([...found.values()].flatMap((each) => [...each]));
  const others = pids.filter((pid) => !found.has(pid));
  const [connections, rest]: [number[], number[]] = [[], []];
  for (const pid of others) {
    const parent = parentOf(pid) ?? 0;
    if (found.has(parent) || serves(pid).some((port) => ports.has(port))) connections.push(pid);
    else if (!dropbears.has(parent) && serves(pid).length > 0) rest.push(pid);
  }
  return { listeners: found, connections, inetd: rest };
}

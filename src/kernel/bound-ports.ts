/**
 * Local ports that programs have taken: those of UDP sockets, and the TCP ports
 * that the programs of some name listen on. Milliseconds on a busy host.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { isLoopback } from "../addresses.ts";
import { codeOf } from "../errors.ts";
import { listeners } from "./listeners.ts";
import { executableOf, parentOf, processesNamed, socketInodesOf } from "./processes.ts";

/**
 * Of this network namespace, bound by name or by the first packet sent.
 *
 * @param proc where proc(5) is mounted.
 */
export function boundUdpPorts(proc = "/proc"): ReadonlySet<number> {
  return new Set(["udp", "udp6"].flatMap((table) => udpPortsIn(contentOf(`${proc}/net/${table}`))));
}

/** The third field is the local end: "0100007F:2765". @param table as /proc/net/udp has it. */
export function udpPortsIn(table: string): number[] {
  return [...table.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)].map(([, port]) =>
    Number.parseInt(port ?? "", 16),
  );
}

/**
 * Ports at which these programs take connections from outside: loopback's do not
 * count. Of each program only the processes that no other of its kind started:
 * those serve a client, and what they listen on is his.
 *
 * @param names of executables without folder: "sshd".
 */
export function listeningPorts(names: ReadonlySet<string>): number[] {
  const pids = processesNamed(names).filter((pid) => names.has(basename(executableOf(pid) ?? "")));
  const all = new Set(pids);
  const inodes = pids.filter((pid) => !all.has(parentOf(pid) ?? 0)).map(unlessHidden);
  const held = new Set(inodes.flatMap((each) => [...each]));
  const ports = listeners()
    .filter(({ address, inode }) => held.has(inode) && !isLoopback(address))
    .map(({ port }) => port);
  return [...new Set(ports)];
}

function unlessHidden(pid: number): ReadonlySet<number> {
  try {
    return socketInodesOf(pid);
  } catch (error) {
    if (["EACCES", "EPERM"].includes(codeOf(error) ?? "")) return new Set();
    throw error;
  }
}

/** Empty on a kernel without that family. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}

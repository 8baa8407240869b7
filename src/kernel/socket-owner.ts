/**
 * Which process of this host a socket belongs to.
 *
 * The kernel numbers sockets (inodes) and shows each process's own under
 * /proc/PID/fd as links to "socket:[INODE]". There is no way back from inode to
 * process but to look through them all, so the first hit ends the search: of
 * several processes that share a socket (a parent and its child) one is named.
 * Other users' descriptors can be seen by root alone; undefined means unknown.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { codeOf } from "../errors.ts";
import { listenerInode } from "./listeners.ts";
import type { Endpoint, SocketTable } from "./sockets.ts";

/**
 * The process at the far end of a TCP connection of ours, if that end is on this host.
 *
 * @param local our end, `remote` the other process's; a connection waiting to be accepted has no owner yet.
 */
export function peerProcess(local: Endpoint, remote: Endpoint, sockets: SocketTable): number | undefined {
  const theirs = sockets.find(remote, local);
  return theirs && ownerOfInode(theirs.inode);
}

/**
 * The process that listens on this TCP address and port, be it there alone or on all addresses.
 *
 * @param proc where proc(5) is mounted.
 */
export function listenerPid(address: string, port: number, proc = "/proc"): number | undefined {
  const inode = listenerInode(address, port, proc);
  return inode === undefined ? undefined : ownerOfInode(inode, proc);
}

/** @param inode 0 stands for a socket that no process holds. */
export function ownerOfInode(inode: number, proc = "/proc"): number | undefined {
  if (inode === 0) return undefined;
  const link = `socket:[${inode}]`;
  const owner = entries(proc).find((name) => /^\d+$/.test(name) && holds(`${proc}/${name}/fd`, link));
  return owner === undefined ? undefined : Number(owner);
}

function holds(folder: string, link: string): boolean {
  return entries(folder).some((name) => unlessHidden(() => readlinkSync(`${folder}/${name}`)) === link);
}

function entries(folder: string): string[] {
  return unlessHidden(() => readdirSync(folder)) ?? [];
}

/** Processes end and close files while they are looked through; others' are not for everybody to see. */
function unlessHidden<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

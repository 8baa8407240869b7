/**
 * Finds listening TCP sockets in /proc/net/tcp and tcp6.
 *
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *   0: 0100007F:2765 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10811
 *
 * An address is printed as the host's 32-bit words: on little-endian every four
 * bytes are reversed. Listeners (state 0A) stand before all connections, so of a
 * busy server's megabytes only the head is read.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";
import { codeOf } from "../errors.ts";

const STATE_LISTEN = "0A";
const CHUNK_LENGTH = 1 << 16;

export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
}

/**
 * The inode of the socket that takes connections to this address: the one bound to it before a wildcard.
 *
 * @param proc where proc(5) is mounted.
 */
export function listenerInode(address: string, port: number, proc = "/proc"): number | undefined {
  const wanted = addressText(addressBytes(address));
  // "::" takes IPv4 too, unless it is IPv6-only, which the file does not say: so IPv4's own wildcard comes first.
  const takers = wanted.includes(":") ? [wanted, "::"] : [wanted, "0.0.0.0", "::"];
  const all = listeners(proc);
  return takers
    .map((taker) => all.find((listener) => listener.port === port && listener.address === taker))
    .find((listener) => listener !== undefined)?.inode;
}

/** All of this network namespace, IPv4 first. */
export function listeners(proc = "/proc"): Listener[] {
  return [...listenersIn(`${proc}/net/tcp`), ...listenersIn(`${proc}/net/tcp6`)];
}

function listenersIn(path: string): Listener[] {
  const [, ...lines] = headOf(path).split("\n").slice(0, -1);
  return lines.map(decodeListener).filter((listener) => listener !== undefined);
}

function decodeListener(line: string): Listener | undefined {
  const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
  if (state !== STATE_LISTEN) return undefined;
  const [address = "", port = ""] = local.split(":");
  const bytes = Buffer.from(address, "hex").swap32();
  return { address: addressText(bytes), port: Number.parseInt(port, 16), inode: Number(inode) };
}

/** Whole lines up to the first that is no listener, or a little more. Empty on a kernel without that family. */
function headOf(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const chunk = Buffer.alloc(CHUNK_LENGTH);
    let text = "";
    for (;;) {
      const length = readSync(descriptor, chunk);
      text += chunk.toString("latin1", 0, length);
      if (length === 0 || endsBehindListeners(text)) return text.slice(0, text.lastIndexOf("\n") + 1);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** True once the last whole line, if it is not the heading, is no listener. */
function endsBehindListeners(text: string): boolean {
  const last = text.split("\n").slice(1, -1).at(-1);
  return last !== undefined && decodeListener(last) === undefined;
}

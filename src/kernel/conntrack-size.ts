/**
 * How many flows the kernel can track, and how many this host needs it to.
 *
 * The first rule that asks for a flow's state switches tracking on for the whole
 * host, and a full table drops packets of everybody. Kernels size it by their
 * memory: 8,192 entries at 1 GB is common, and few for a VPN server.
 */

import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, KernelUnavailableError, reasonOf } from "../errors.ts";

export interface ConntrackSize {
  /** Entries there is room for; 0 means without bound. */
  readonly max: number;
  /** Entries there are, in this process's network namespace. */
  readonly count: number;
}

/** Room for a server that nobody has connected to yet. */
const FEWEST_ENTRIES = 65_536;
/** A socket's flow lives on after it: most entries of a busy host are of closed connections. */
const ENTRIES_PER_SOCKET = 4;

const KEY = "net.netfilter.nf_conntrack_max";
const MAX = "net/netfilter/nf_conntrack_max";
const COUNT = "net/netfilter/nf_conntrack_count";

/** @returns undefined where tracking is not loaded (there is no such sysctl). */
export function conntrackSize(sysctls = "/proc/sys"): ConntrackSize | undefined {
  const max = readNumber(join(sysctls, MAX));
  const count = readNumber(join(sysctls, COUNT));
  return max === undefined || count === undefined ? undefined : { max, count };
}

/** The entries this host must have room for, by the sockets it has in use now. */
export function roomNeeded(proc = "/proc"): number {
  const ipv4 = readFileSync(join(proc, "net/sockstat"), "utf8");
  // A kernel without IPv6 has no such file, and no such sockets.
  const ipv6 = read(join(proc, "net/sockstat6")) ?? "";
  return entriesFor(socketsIn(`${ipv4}\n${ipv6}`));
}

/** Whether a table of this size will do for so many entries. */
export function enoughFor({ max }: ConntrackSize, needed: number): boolean {
  return max === 0 || max >= needed;
}

export function entriesFor(sockets: number): number {
  return Math.max(FEWEST_ENTRIES, ENTRIES_PER_SOCKET * sockets);
}

/**
 * TCP in use and in TIME_WAIT, and UDP, of both families.
 *
 * @param sockstat the content of /proc/net/sockstat and sockstat6; the latter has no "tw", TIME_WAIT is counted once.
 */
export function socketsIn(sockstat: string): number {
  return sockstat
    .split("\n")
    .filter((line) => /^(?:TCP|UDP)6?:/.test(line))
    .flatMap((line) => [...line.matchAll(/ (?:inuse|tw) (\d+)/g)])
    .reduce((sum, [, count]) => sum + Number(count), 0);
}

/**
 * Makes room for `to` entries, now and for every boot; a larger table stays as it is.
 *
 * @param dropIn the file that says so at boot, below /etc/sysctl.d; replaced if it is there.
 * @throws {KernelUnavailableError} when either is refused; the message says what to do instead.
 */
export async function raiseConntrack(to: number, dropIn: string, sysctls = "/proc/sys"): Promise<void> {
  const size = conntrackSize(sysctls);
  if (size && enoughFor(size, to)) return;
  const path = join(sysctls, MAX);
  try {
    // Not created where it is missing: then tracking is not loaded.
    await writeFile(path, `${to}\n`, { flag: "r+" });
  } catch (cause) {
    throw refusal(to, reasonOf(cause), cause);
  }
  const got = readNumber(path);
  if (got !== to) throw refusal(to, `"${path}" says ${got} afterwards`);
  await saveDropIn(to, dropIn);
}

async function saveDropIn(to: number, dropIn: string): Promise<void> {
  const text = `# Written by Sluice: it meters users by connection tracking, and a full table
# drops packets of the whole host. "sluice gates remove" removes this file.
${KEY} = ${to}
`;
  try {
    await mkdir(dirname(dropIn), { recursive: true });
    await writeFile(dropIn, text, { mode: 0o644 });
    const got = await readFile(dropIn, "utf8");
    if (got !== text) throw new Error(`${text.length} bytes were written, ${got.length} are there`);
  } catch (cause) {
    throw new KernelUnavailableError(
      `Cannot keep ${KEY} = ${to} for the next boot in "${dropIn}": put that line into a file of /etc/sysctl.d: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

function refusal(to: number, reason: string, cause?: unknown): KernelUnavailableError {
  return new KernelUnavailableError(
    `Cannot raise ${KEY} to ${to}: run "sysctl -w ${KEY}=${to}" as root, in a container on its host: ${reason}`,
    { cause },
  );
}

function readNumber(path: string): number | undefined {
  const text = read(path);
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text.trim())) {
    throw new SyntaxError(`Cannot read a number from "${path}": got "${text.trim().slice(0, 40)}"`);
  }
  return Number(text);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

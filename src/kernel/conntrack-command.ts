/**
 * Connection tracking through the `conntrack` command, for hosts where koffi does not load.
 *
 * A call costs a fork and a walk through the whole table. The command exits
 * with 1 both when it failed and when there was nothing to do: they are told
 * apart by what it prints, which is never translated.
 */
import { spawnSync } from "node:child_process";
import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import type { Endpoint } from "./sockets.ts";

const TIMEOUT_MS = 5000;
/** Some 400,000 entries. */
const LONGEST_OUTPUT = 64 << 20;

/** @throws {KernelUnavailableError} when there is no such command or it may not ask. */
export function probeCommand(): void {
  conntrack("-C");
}

/** As Conntrack.markFlow(); both ends of one family. */
export function markFlowByCommand(
  local: Endpoint,
  remote: Endpoint,
  mark: number,
): "marked" | "gone" | "taken" {
  for (const tuple of [openedBy(local, remote), answeredBy(local, remote)]) {
    const known = markIn(conntrack("-L", ...tuple));
    if (known === undefined) continue;
    if (known !== 0) return known === mark ? "marked" : "taken";
    return markIn(conntrack("-U", ...tuple, "-m", hex(mark))) === mark ? "marked" : "gone";
  }
  return "gone";
}

/** As Conntrack.forgetMarked(). The command reads the table and deletes entry by entry. */
export function forgetMarkedByCommand(mark: number, mask: number): void {
  for (const family of ["ipv4", "ipv6"]) conntrack("-D", "-f", family, "-m", `${hex(mark)}/${hex(mask)}`);
}

/** What the command prints of all UDP flows of a family. */
export function listUdpByCommand(family: "ipv4" | "ipv6"): string {
  return conntrack("-L", "-p", "udp", "-f", family);
}

/** The mark of the first entry printed: undefined if there is none, 0 if a kernel without marks printed it. */
export function markIn(output: string): number | undefined {
  const [line = ""] = output.split("\n");
  if (line.trim() === "") return undefined;
  return Number(/ mark=(\d+)/.exec(line)?.[1] ?? 0);
}

function openedBy(local: Endpoint, remote: Endpoint): string[] {
  return [
    ...["-p", "tcp", "-f", familyOf(local)],
    ...["-s", canonical(local), "-d", canonical(remote)],
    ...["--sport", `${local.port}`, "--dport", `${remote.port}`],
  ];
}

/** The flow that `remote` opened: its answers go from `local` to him. */
function answeredBy(local: Endpoint, remote: Endpoint): string[] {
  return [
    ...["-p", "tcp", "-f", familyOf(local)],
    ...["-r", canonical(local), "-q", canonical(remote)],
    ...["--reply-port-src", `${local.port}`, "--reply-port-dst", `${remote.port}`],
  ];
}

function conntrack(...parameters: string[]): string {
  const action = `Cannot run "conntrack ${parameters.join(" ")}"`;
  const { error, status, signal, stdout, stderr } = spawnSync("conntrack", parameters, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: LONGEST_OUTPUT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error) {
    throw new KernelUnavailableError(`${action}: it takes the package conntrack: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (status !== 0 && !stderr.includes(" 0 flow entries have been ")) {
    throw new KernelUnavailableError(
      `${action}: it takes CAP_NET_ADMIN and connection tracking in the kernel: ${stderr.trim() || (signal ?? `status ${status}`)}`,
    );
  }
  return stdout;
}

function familyOf(end: Endpoint): string {
  return addressBytes(end.address).length === 4 ? "ipv4" : "ipv6";
}

function canonical(end: Endpoint): string {
  return addressText(addressBytes(end.address));
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/**
 * Marks the flows of a cgroup by rules of iptables, where nft or the kernel know
 * no `socket cgroupv2` (before 0.9.9 and 5.13): one pair of rules for each, in
 * the mangle table, which comes before ours looks.
 *
 *   -A OUTPUT -o lo -m conntrack --ctdir REPLY  of the cgroup, no mark yet -> the reverse mark
 *   -A OUTPUT                                   of the cgroup, no mark yet -> the mark
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { codeOf, KernelUnavailableError, reasonOf } from "../errors.ts";
import { hex, type Marks } from "./account-marks.ts";

const PROGRAMS = ["iptables", "ip6tables"];
const WAIT = ["-w", "5", "-t", "mangle"];
const TIMEOUT_MS = 10_000;

/**
 * @param path below the cgroup v2 mount.
 * @throws {KernelUnavailableError} without iptables, or its match for cgroups.
 */
export async function claimByRules(path: string, marks: Marks): Promise<void> {
  for (const program of PROGRAMS) {
    for (const rule of rulesOf(path, marks)) {
      try {
        if (!(await run(program, "-C", rule))) await run(program, "-A", rule, true);
      } catch (cause) {
        if (program === "ip6tables" && codeOf(cause) === "ENOENT") return; // a host without IPv6 tools
        throw new KernelUnavailableError(
          `Cannot mark the flows of cgroup "${path}": it takes nft 0.9.9 with kernel 5.13, or iptables with xt_cgroup: ${reasonOf(cause)}`,
          { cause },
        );
      }
    }
  }
}

/** Takes the rules away; nothing when there are none. */
export async function releaseByRules(path: string, marks: Marks): Promise<void> {
  for (const program of PROGRAMS) {
    for (const rule of rulesOf(path, marks)) {
      await run(program, "-D", rule).catch((error: unknown) => {
        if (codeOf(error) !== "ENOENT") throw error;
      });
    }
  }
}

function rulesOf(path: string, { forward, reverse }: Marks): readonly (readonly string[])[] {
  const claim = (mark: number) => [
    ...["-m", "cgroup", "--path", path, "-m", "connmark", "--mark", "0"],
    ...["-j", "CONNMARK", "--set-mark", `0x${hex(mark)}`],
  ];
  return [["-o", "lo", "-m", "conntrack", "--ctdir", "REPLY", ...claim(reverse)], claim(forward)];
}

/** @returns false where the program answers that there is no such rule. @throws its complaint if it `must` do it, or when it is not installed. */
async function run(program: string, verb: string, rule: readonly string[], must = false): Promise<boolean> {
  try {
    await promisify(execFile)(program, [...WAIT, verb, "OUTPUT", ...rule], { timeout: TIMEOUT_MS });
    return true;
  } catch (error) {
    if (must || codeOf(error) === "ENOENT") throw error;
    return false;
  }
}

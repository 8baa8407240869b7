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
// iptables(8): there is no such rule; and, of the program for IPv6, the kernel has no such tables.
const NO_RULE = 1;
const NO_TABLES = 3;

/**
 * @param path below the cgroup v2 mount.
 * @throws {KernelUnavailableError} without iptables, or its match for cgroups.
 */
export async function claimByRules(path: string, marks: Marks): Promise<void> {
  try {
    await forEachRule(path, marks, async (program, rule) => {
      if (!(await stands(program, rule))) await run(program, "-A", rule);
    });
  } catch (cause) {
    throw new KernelUnavailableError(
      `Cannot mark the flows of cgroup "${path}": it takes nft 0.9.9 with kernel 5.13, or iptables with xt_cgroup: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/** Takes the rules away; nothing when there are none. @throws {Error} with iptables' complaint when one stays. */
export async function releaseByRules(path: string, marks: Marks): Promise<void> {
  await forEachRule(path, marks, async (program, rule) => {
    if (await stands(program, rule)) await run(program, "-D", rule);
  });
}

/** Takes away the rules of all cgroups below this folder, whoever's they are. @throws as `releaseByRules()` does. */
export async function releaseAllRules(folder: string): Promise<void> {
  for (const program of PROGRAMS) {
    try {
      const { stdout } = await promisify(execFile)(`${program}-save`, ["-t", "mangle"], {
        timeout: TIMEOUT_MS,
      });
      const rules = stdout.split("\n").map((line) => line.replaceAll('"', "").split(" "));
      for (const [verb, chain, ...rule] of rules) {
        const path = rule[rule.indexOf("--path") + 1];
        if (verb === "-A" && chain === "OUTPUT" && path?.startsWith(`${folder}/`))
          await run(program, "-D", rule);
      }
    } catch (error) {
      if (program !== "ip6tables" || !isWithoutIPv6(error)) throw error;
    }
  }
}

async function forEachRule(
  path: string,
  { forward, reverse }: Marks,
  act: (program: string, rule: readonly string[]) => Promise<void>,
): Promise<void> {
  const claim = (mark: number) => [
    ...["-m", "cgroup", "--path", path, "-m", "connmark", "--mark", "0"],
    ...["-j", "CONNMARK", "--set-mark", `0x${hex(mark)}`],
  ];
  const rules = [["-o", "lo", "-m", "conntrack", "--ctdir", "REPLY", ...claim(reverse)], claim(forward)];
  for (const program of PROGRAMS) {
    try {
      for (const rule of rules) await act(program, rule);
    } catch (error) {
      if (program !== "ip6tables" || !isWithoutIPv6(error)) throw error;
    }
  }
}

async function stands(program: string, rule: readonly string[]): Promise<boolean> {
  try {
    await run(program, "-C", rule);
    return true;
  } catch (error) {
    if (statusOf(error) === NO_RULE) return false;
    throw error;
  }
}

async function run(program: string, verb: string, rule: readonly string[]): Promise<void> {
  await promisify(execFile)(program, [...WAIT, verb, "OUTPUT", ...rule], { timeout: TIMEOUT_MS });
}

/** A host without the tools, or a kernel without it. */
function isWithoutIPv6(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || statusOf(error) === NO_TABLES;
}

function statusOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

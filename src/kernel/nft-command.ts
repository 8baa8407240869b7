/**
 * Our table through the `nft` command: what loads the rules, and stands in for
 * netlink on hosts where koffi does not load.
 *
 * A call costs a process, milliseconds instead of microseconds, and a list of
 * counters is JSON: 29 ms for a thousand accounts (facts: kernel).
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { codeOf, KernelUnavailableError, reasonOf } from "../errors.ts";
import { statement } from "./nft-text.ts";
import type { NftTable, QuotaState } from "./nftables.ts";

const NFT = "nft";
const OPTIONS = { timeout: 30_000, maxBuffer: 256 << 20 };
/** Distributions keep it where an ordinary user's PATH does not look. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" };

interface Listed {
  readonly counter?: { readonly name: string; readonly bytes: number; readonly packets: number };
  readonly quota?: { readonly name: string; readonly bytes: number; readonly used: number };
  readonly rule?: object;
  readonly table?: { readonly name: string };
}

/** @throws {KernelUnavailableError} without the command, the right, or nf_tables in the kernel. */
export async function openCommandTable(table: string): Promise<NftTable> {
  await probe();
  const readQuotas = async () => {
    const quotas = (await list("quotas", "table", "inet", table)).flatMap(({ quota }) => quota ?? []);
    return new Map(quotas.map((quota): [string, QuotaState] => [quota.name, stateOf(quota)]));
  };
  return {
    load: loadScript,
    apply: async (changes) => {
      if (changes.length > 0)
        await loadScript(`${changes.map((each) => statement(table, each)).join("\n")}\n`);
    },
    readCounters: async (visit) => {
      for (const { counter } of await list("counters", "table", "inet", table)) {
        if (!counter) continue;
        const name = Buffer.from(counter.name, "latin1");
        visit(name, 0, name.length, counter.bytes, counter.packets);
      }
    },
    readQuotas,
    readQuota: async (name) => (await readQuotas()).get(name),
    countRules: async () => (await list("table", "inet", table)).filter(({ rule }) => rule).length,
    [Symbol.dispose]: () => undefined,
  };
}

/** One transaction. @throws {Error} with nft's own words. */
export async function loadScript(script: string): Promise<void> {
  const running = promisify(execFile)(NFT, ["-f", "-"], { ...OPTIONS, env: ENVIRONMENT });
  running.child.stdin?.on("error", () => undefined); // an nft that refused closes it; its exit says why
  running.child.stdin?.end(script);
  try {
    await running;
  } catch (cause) {
    throw new Error(`Cannot load rules with nft: ${firstLineOf(cause)}`, { cause });
  }
}

/** The names of all tables of the family inet. */
export async function tableNames(): Promise<readonly string[]> {
  return (await list("tables", "inet")).flatMap(({ table }) => table?.name ?? []);
}

async function probe(): Promise<void> {
  try {
    await promisify(execFile)(NFT, ["list", "tables"], { ...OPTIONS, env: ENVIRONMENT });
  } catch (cause) {
    const lack =
      codeOf(cause) === "ENOENT"
        ? "the nft command is not installed (package nftables)"
        : `it takes CAP_NET_ADMIN (root) and a kernel with nf_tables: ${firstLineOf(cause)}`;
    throw new KernelUnavailableError(`Cannot use nftables: ${lack}`, { cause });
  }
}

/** Nothing when there is no such table. */
async function list(...what: readonly string[]): Promise<readonly Listed[]> {
  try {
    const { stdout } = await promisify(execFile)(NFT, ["-j", "list", ...what], {
      ...OPTIONS,
      env: ENVIRONMENT,
    });
    return (JSON.parse(stdout) as { nftables: readonly Listed[] }).nftables;
  } catch (cause) {
    const said = firstLineOf(cause);
    if (said.includes("No such file or directory")) return [];
    throw new Error(`Cannot list ${what.join(" ")} with nft: ${said}`, { cause });
  }
}

/** nft shows what is used, and never more than the limit: so much is used up. */
function stateOf({ bytes, used }: { readonly bytes: number; readonly used: number }): QuotaState {
  return { limit: bytes, used, depleted: used >= bytes };
}

/** nft's complaint without the line it points at. */
function firstLineOf(error: unknown): string {
  const said = (error as { stderr?: string }).stderr?.trim() ?? "";
  return said === "" ? reasonOf(error) : (said.split("\n")[0] ?? said);
}

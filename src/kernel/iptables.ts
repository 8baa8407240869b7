/**
 * The filter table through the iptables programs, in whichever variant this host uses.
 *
 * There are two kernels' worth of tables behind one set of names: "legacy"
 * (ip_tables) and "nf_tables". Packets pass both, but a chain lives in one, and
 * the scripts that made the per-user chains decide which.
 *
 * A change goes through `iptables-restore --noflush`: all of it or nothing, and
 * no packet sees half of it. Nothing else in the table is touched.
 */
import { execFile } from "node:child_process";
import { codeOf, KernelUnavailableError, reasonOf } from "../errors.ts";
import { type FilterTable, parseFilterTable } from "./iptables-save.ts";

export type Family = "ipv4" | "ipv6";

export interface Iptables {
  readonly variant: "legacy" | "nf_tables";
  /** Chains named for a uid were there already: scripts made them, or an earlier run did. */
  readonly hasUserChains: boolean;
  /** IPv4, and IPv6 where there is an ip6tables that works. */
  readonly families: readonly Family[];
  /** Why IPv6 packets are not seen; undefined where they are. */
  readonly whyNoIPv6: string | undefined;
  /** One process, some 4 ms for 100 users. @throws {Error} when it fails or prints what is no table. */
  read(family: Family): Promise<FilterTable>;
  /**
   * Carries out lines of iptables-restore(8)'s language, as one transaction.
   *
   * @throws {Error} with what the program said; nothing was changed then.
   */
  change(family: Family, lines: readonly string[]): Promise<void>;
}

/** Runs a program to its end. @returns its standard output. @throws {Error} with its complaint, or with ENOENT. */
export type RunProgram = (program: string, parameters: readonly string[], input: string) => Promise<string>;

/** Chains named for a uid, as the scripts make them and as Sluice does. */
const USER_CHAIN = /^BW[IO]?_\d+$/;

// Implementation constants.
const TIMEOUT_MS = 10_000;
/** Some 400,000 rules. */
const LONGEST_OUTPUT = 64 << 20;
/** How long another program may hold the lock of the legacy tables. */
const WAIT_SECONDS = "5";

/**
 * Takes the variant that has per-user chains already, else what plain `iptables` is.
 *
 * @throws {KernelUnavailableError} when there is none, or it may not be used.
 */
export async function findIptables(run: RunProgram = runProgram): Promise<Iptables> {
  const { program, hasUserChains } = await chooseProgram(run);
  const six = program.replace("iptables", "ip6tables");
  const whyNoIPv6 = await readFilter(run, six).then(
    () => undefined,
    (error: unknown) => reasonOf(error),
  );
  const version = await run(program, ["--version"], "");
  const programOf = { ipv4: program, ipv6: six };
  const wait = await waitOptions(run, program);
  return {
    variant: version.includes("nf_tables") ? "nf_tables" : "legacy", // releases before 1.8 say nothing
    hasUserChains,
    families: whyNoIPv6 === undefined ? ["ipv4", "ipv6"] : ["ipv4"],
    whyNoIPv6,
    read: (family) => readFilter(run, programOf[family]),
    async change(family, lines) {
      const script = ["*filter", ...lines, "COMMIT", ""].join("\n");
      await run(`${programOf[family]}-restore`, [...wait, "--noflush", "--counters"], script);
    },
  };
}

async function chooseProgram(run: RunProgram): Promise<{ program: string; hasUserChains: boolean }> {
  const failures: string[] = [];
  let usable: string | undefined;
  for (const program of ["iptables", "iptables-nft", "iptables-legacy"]) {
    try {
      // Naming the table makes the legacy variant load it, and rules in two variants are a trap for people.
      const table =
        program === "iptables-legacy"
          ? parseFilterTable(await run(`${program}-save`, ["-c"], ""))
          : await readFilter(run, program);
      if ([...table.keys()].some((chain) => USER_CHAIN.test(chain))) return { program, hasUserChains: true };
      usable ??= program;
    } catch (error) {
      if (codeOf(error) !== "ENOENT") failures.push(reasonOf(error));
    }
  }
  if (usable !== undefined) return { program: usable, hasUserChains: false };
  const reason =
    failures[0] ?? 'there is no "iptables-save": it takes the iptables package, or the nftables backend';
  throw new KernelUnavailableError(`Cannot meter with iptables: ${reason}`);
}

async function readFilter(run: RunProgram, program: string): Promise<FilterTable> {
  return parseFilterTable(await run(`${program}-save`, ["-c", "-t", "filter"], ""));
}

/** The lock of the legacy tables may be held by a firewall; releases before 1.6.2 cannot wait for it and fail. */
async function waitOptions(run: RunProgram, program: string): Promise<readonly string[]> {
  const options = ["-w", WAIT_SECONDS];
  return run(`${program}-restore`, [...options, "--noflush", "--test"], "").then(
    () => options,
    () => [],
  );
}

function runProgram(program: string, parameters: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "utf8", timeout: TIMEOUT_MS, maxBuffer: LONGEST_OUTPUT } as const;
    const child = execFile(program, parameters, options, (cause, output, complaint) => {
      if (!cause) resolve(output);
      else if (codeOf(cause) === "ENOENT") reject(cause);
      else {
        const said = complaint.trim() || reasonOf(cause);
        reject(new Error(`Cannot run "${[program, ...parameters].join(" ")}": ${said}`, { cause }));
      }
    });
    // A program that ends before it has read everything says why itself.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

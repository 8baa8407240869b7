import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { KernelUnavailableError } from "../../src/errors.ts";
import { findIptables, type RunProgram } from "../../src/kernel/iptables.ts";
import { iptablesHost, whyNoHost } from "../support/iptables-host.ts";

const PROGRAM = join(import.meta.dirname, "programs/iptables-here.ts");
const missing = whyNoHost("nft") || whyNoHost("legacy");

/** `run`, but without the programs whose name fits. */
function without(absent: RegExp, run: RunProgram): RunProgram {
  return (program, parameters, input) =>
    absent.test(program)
      ? Promise.reject(Object.assign(new Error(`spawn ${program} ENOENT`), { code: "ENOENT" }))
      : run(program, parameters, input);
}

describe.skipIf(missing)(`the iptables of a host${missing}`, () => {
  test.for([
    { name: "the variant with per-user chains: legacy", chain: "iptables-legacy", variant: "legacy" },
    { name: "the variant with per-user chains: nf_tables", chain: "iptables-nft", variant: "nf_tables" },
  ])("are $name", async ({ chain, variant }) => {
    await using host = await iptablesHost("plain");
    host.sh(`${chain} -N BW_61001`);
    expect(await findIptables(host.run)).toMatchObject({
      variant,
      hasUserChains: true,
      families: ["ipv4", "ipv6"],
    });
  });

  test("are the plain ones where nobody made such chains", async () => {
    await using host = await iptablesHost("plain");
    const isPlainNft = host.sh("iptables --version").includes("nf_tables");
    expect(await findIptables(host.run)).toMatchObject({
      variant: isPlainNft ? "nf_tables" : "legacy",
      hasUserChains: false,
    });
  });

  test("do IPv4 alone without an ip6tables, and say why", async () => {
    await using host = await iptablesHost("nft");
    const iptables = await findIptables(without(/^ip6/, host.run));
    expect(iptables.families).toEqual(["ipv4"]);
    expect(iptables.whyNoIPv6).toContain("ip6tables");
  });

  test("are missing where there is no such program", async () => {
    const found = findIptables(without(/./, () => Promise.resolve("")));
    await expect(found).rejects.toThrow(KernelUnavailableError);
    await expect(found).rejects.toThrow(/there is no "iptables-save"/);
  });

  test.for(["nft", "legacy"] as const)("cannot be used without root (%s)", async (variant) => {
    await using host = await iptablesHost(variant);
    const nobody = ["--reuid=65534", "--clear-groups", "--"];
    const found = findIptables((program, parameters, input) =>
      host.run(
        "setpriv",
        [...nobody, program.replace("iptables", `iptables-${variant}`), ...parameters],
        input,
      ),
    );
    await expect(found).rejects.toThrow(/Cannot meter with iptables: .*you must be root/);
  });

  test.for(["nft", "legacy"] as const)("change all that was asked for or nothing (%s)", async (variant) => {
    await using host = await iptablesHost(variant);
    const iptables = await findIptables(host.run);
    await iptables.change("ipv4", [":BW_1 - [0:0]", "[7:900] -A BW_1 -j RETURN"]);
    await expect(iptables.change("ipv4", [":BW_2 - [0:0]", "-D BW_1 -j DROP"])).rejects.toThrow(
      /DROP|line 3/,
    );
    const table = await iptables.read("ipv4");
    expect(table.has("BW_2")).toBe(false);
    expect(table.get("BW_1")).toMatchObject([{ bytes: 900, target: "RETURN" }]);
    expect((await iptables.read("ipv6")).has("BW_1")).toBe(false);
  });

  test.for([
    { name: "wait for the lock", refuses: "--never", waits: true },
    { name: "do without where the release is too old to wait", refuses: "-w", waits: false },
  ])("$name", async ({ refuses, waits }) => {
    await using host = await iptablesHost("legacy");
    const restores: boolean[] = [];
    const iptables = await findIptables((program, parameters, input) => {
      if (parameters.includes(refuses)) return Promise.reject(new Error(`unrecognized option "${refuses}"`));
      if (program.endsWith("-restore")) restores.push(parameters.includes("-w"));
      return host.run(program, parameters, input);
    });
    await iptables.change("ipv4", [":BW_1 - [0:0]"]);
    expect(restores.at(-1)).toBe(waits);
  });

  test("are run as programs of this host, and what they complain of is passed on", async () => {
    await using host = await iptablesHost("plain");
    const outcome = JSON.parse(host.sh(`${process.execPath} ${PROGRAM}`));
    expect(outcome.bytes).toBe(900);
    expect(outcome.refusal).toMatch(
      /^Error: Cannot run "iptables-restore -w 5 --noflush --counters": .*BW_2|line 2/s,
    );
    const alone = JSON.parse(host.sh(`env PATH=/nowhere ${process.execPath} ${PROGRAM}`));
    expect(alone.error).toMatch(/^KernelUnavailableError: .*there is no "iptables-save"/);
  });

  test("do not show a table that holds rules of nft's own", async () => {
    await using host = await iptablesHost("nft");
    const iptables = await findIptables(host.run);
    host.sh("nft add table ip filter");
    host.sh("nft add chain ip filter OUTPUT { type filter hook output priority 0 ; }");
    host.sh("nft add rule ip filter OUTPUT meta mark set jhash ip saddr mod 4");
    await expect(iptables.read("ipv4")).rejects.toThrow(/rules of nft's own/);
  });
});

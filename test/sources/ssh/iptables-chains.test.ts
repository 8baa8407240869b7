import { describe, expect, test } from "vitest";
import { FAR, type IptablesHost, LOCAL, whyNoHost } from "../../support/iptables-host.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { ALICE, addYardstick, BOB, bytesOf, chainsOn, metered, yardstick } from "./iptables-metered.ts";

const MB = 1_000_000;
const SOME = { uid: ALICE.uid, to: FAR.ipv4, up: 30_000, down: 50_000 } as const;
/** Headers of full-size packets. */
const HEADERS = 1.05;
/** Acknowledgements of what comes the other way, one for each packet on a busy machine. */
const ACKNOWLEDGING = 0.05;

/** As the scripts make a chain at the first question for it. */
function scriptsChain(host: IptablesHost, uid: number, jumps = 1): void {
  host.sh(`iptables -N BW_${uid}`);
  for (let jump = 0; jump < jumps; jump++) {
    host.sh(`iptables -I OUTPUT -m owner --uid-owner ${uid} -j BW_${uid}`);
  }
  host.sh(`iptables -A BW_${uid} -j RETURN`);
}

/** Without what chains counted: neighbours' solicitations are packets as well. */
function rules(host: IptablesHost, program = "iptables"): string {
  return host.sh(`${program}-save -t filter`).replace(/^#.*\n| \[\d+:\d+\]$/gm, "");
}

describe.for(["nft", "legacy"] as const)("logins metered with iptables-%s", (variant) => {
  const missing = whyNoHost(variant) || needs("nft", "setpriv");

  describe.skipIf(missing)(`in a namespace${missing}`, () => {
    test.for([
      { name: "over a cable, IPv4", to: FAR.ipv4 },
      { name: "over a cable, IPv6", to: FAR.ipv6 },
      { name: "to a local service, IPv4", to: LOCAL.ipv4 },
      { name: "to a local service, IPv6", to: LOCAL.ipv6 },
      { name: "to a local service at the cable's own address", to: "10.61.0.1" },
    ])("are counted once, each direction to the byte, $name", async ({ to }) => {
      await using meter = await metered(variant, addYardstick);
      expect(await meter.alice()).toEqual({ uplink: 0, downlink: 0 });
      await meter.host.transfer({ uid: ALICE.uid, to, up: 3 * MB, down: 10 * MB });
      await until("both ends have closed", async () => {
        const [ours, all] = [await meter.alice(), yardstick(meter.host)];
        return ours.uplink === all.uplink && ours.downlink === all.downlink;
      });
      const { uplink, downlink } = await meter.alice();
      expect(uplink).toBeGreaterThan(3 * MB);
      expect(uplink).toBeLessThan(3 * MB * HEADERS + 10 * MB * ACKNOWLEDGING);
      expect(downlink).toBeGreaterThan(10 * MB);
      expect(downlink).toBeLessThan(10 * MB * HEADERS + 3 * MB * ACKNOWLEDGING);
      expect(await bytesOf(meter.chains, BOB.mark)).toEqual({ uplink: 0, downlink: 0 });
    });

    test.for([
      { name: "from another host", from: "far", to: "10.61.0.1" },
      { name: "from this host", from: undefined, to: LOCAL.ipv4 },
    ] as const)("are counted once where they are connected to, $name", async ({ from, to }) => {
      await using meter = await metered(variant, (host) => addYardstick(host, "7301"));
      await meter.alice();
      await using _server = await meter.host.serve(ALICE.uid, "7301");
      await meter.host.transfer({ uid: 0, to, port: "7301", up: 3 * MB, down: MB, ...(from && { from }) });
      // The yardstick is the connecting side's. Its first packet comes before the flow has a mark.
      const FIRST_PACKET = 60;
      await until("both ends have closed", async () => {
        const [ours, all] = [await meter.alice(), yardstick(meter.host)];
        return ours.downlink === all.uplink - FIRST_PACKET && ours.uplink === all.downlink;
      });
      expect((await meter.alice()).downlink).toBeGreaterThan(3 * MB);
    });

    test("are counted when their flow was open before the first look", async () => {
      await using meter = await metered(variant);
      await using client = meter.host.startTransfer({ ...SOME, down: 500 * MB });
      await client.line();
      await until("megabytes have come", async () => (await meter.alice()).downlink > 5 * MB);
    });

    test("are counted one by one, a hundred of them with one read of each family", async () => {
      await using meter = await metered(variant);
      const programs: string[] = [];
      const chains = await chainsOn(meter.host, {
        wrap: (run) => (program, parameters, input) => {
          programs.push(program);
          return run(program, parameters, input);
        },
      });
      const markOf = (at: number) => 0x51000000 + 8 * (at + 1);
      chains.setAccounts(new Map(Array.from({ length: 100 }, (_, at) => [61_000 + at, markOf(at)])));
      await chains.look();
      await meter.host.transfer({ ...SOME, uid: 61_000 });
      await meter.host.transfer({ ...SOME, uid: 61_099, up: 60_000 });
      programs.length = 0;
      const { counted } = await chains.look();
      expect(programs.toSorted()).toEqual(
        ["ip6tables-save", "iptables-save"].map((name) => expect.stringContaining(name)),
      );
      expect(counted.size).toBe(100);
      const moved = [...counted].filter(([, { uplink }]) => uplink > 0).map(([mark]) => mark);
      expect(moved).toEqual([markOf(0), markOf(99)]);
      expect(counted.get(markOf(99))?.uplink).toBeGreaterThan(60_000);
    });

    test("start where the scripts' chains stand, without what those counted twice", async () => {
      let before = "";
      await using meter = await metered(
        variant,
        async (host) => {
          scriptsChain(host, ALICE.uid);
          await host.transfer(SOME);
          host.sh(`iptables -I OUTPUT -m owner --uid-owner ${ALICE.uid} -j BW_${ALICE.uid}`);
          await host.transfer(SOME);
          before = rules(host);
        },
        { adopt: true },
      );
      expect(before.match(/-j BW_61001/g)).toHaveLength(2);
      const { uplink, downlink } = await meter.alice();
      expect(uplink).toBeGreaterThan(60_000);
      expect(uplink).toBeLessThan(60_000 * HEADERS + 2000);
      expect(downlink).toBe(0);
      expect(rules(meter.host).match(/-A OUTPUT .*-j BW_61001/g)).toHaveLength(1);
      await meter.host.transfer(SOME);
      const after = await meter.alice();
      expect(after.uplink - uplink).toBeGreaterThan(30_000);
      expect(after.uplink - uplink).toBeLessThan(30_000 * HEADERS + 1000);
      // What the script shows goes on as well: nothing it counted is gone.
      const shown = /\[\d+:(\d+)\] -A BW_61001 -j RETURN/.exec(meter.host.sh("iptables-save -c"))?.[1];
      expect(Number(shown)).toBeGreaterThan(120_000);
    });

    test("start at zero beside scripts' chains whose bytes may have been booked", async () => {
      await using meter = await metered(variant, async (host) => {
        scriptsChain(host, ALICE.uid);
        await host.transfer(SOME);
      });
      expect(await meter.alice()).toEqual({ uplink: 0, downlink: 0 });
    });

    test("are counted once while a script doubles the jump, zeroes and flushes its chain", async () => {
      await using meter = await metered(variant, addYardstick);
      await meter.alice();
      meter.host.sh(`iptables -I OUTPUT -m owner --uid-owner ${ALICE.uid} -j BW_${ALICE.uid}`);
      await meter.host.transfer(SOME);
      meter.host.sh(`iptables -Z BW_${ALICE.uid}`);
      expect((await meter.alice()).uplink).toBe(yardstick(meter.host).uplink);
      meter.host.sh(`iptables -F BW_${ALICE.uid}`);
      await meter.alice();
      await meter.host.transfer(SOME);
      expect(await meter.alice()).toEqual(yardstick(meter.host));
      expect(meter.restored(), "scripts may do that to their own chain").toBe(0);
    });

    test("keep what is known of them when the firewall is flushed, and are counted on", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer({ ...SOME, to: FAR.ipv6 });
      await meter.host.transfer(SOME);
      const known = await meter.alice();
      for (const flush of ["iptables -F", "iptables -X", "ip6tables -F OUTPUT"]) meter.host.sh(flush);
      await meter.host.transfer(SOME);
      expect(await meter.alice(), "nobody has counted these").toEqual(known);
      expect(meter.restored()).toBe(1);
      await meter.host.transfer(SOME);
      const { uplink, downlink } = await meter.alice();
      expect(uplink - known.uplink).toBeGreaterThan(30_000);
      expect(downlink - known.downlink).toBeGreaterThan(50_000);
      expect(uplink - known.uplink).toBeLessThan(32_000);
      expect(meter.restored()).toBe(1);
    });

    test("never go back when all counters are zeroed, or older rules restored", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer(SOME);
      const known = await meter.alice();
      const saved = meter.host.sh("iptables-save -c -t filter");
      meter.host.sh("iptables -Z");
      expect(await meter.alice()).toEqual(known);
      await meter.host.transfer(SOME);
      const later = await meter.alice();
      expect(later.uplink).toBeGreaterThan(known.uplink + 30_000);
      await meter.host.run("iptables-restore", ["-c"], saved);
      expect(await meter.alice()).toEqual(later);
    });

    test("go on where they stood in a new process", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer(SOME);
      const known = await meter.alice();
      expect(await bytesOf(await chainsOn(meter.host, { adopt: true }), ALICE.mark)).toEqual(known);
    });

    test("start at zero in a new boot, whatever was restored with the rules", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer(SOME);
      await meter.alice();
      const next = await chainsOn(meter.host, { bootId: "00000000-next", adopt: true });
      expect(await bytesOf(next, ALICE.mark)).toEqual({ uplink: 0, downlink: 0 });
    });

    test("inherit nothing of the account that had their uid", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer(SOME);
      await meter.chains.shut(ALICE.uid);
      const next = 0x51000018;
      meter.chains.setAccounts(new Map([[ALICE.uid, next]]));
      expect(await bytesOf(meter.chains, next)).toEqual({ uplink: 0, downlink: 0 });
      expect(meter.chains.shutUids()).toEqual(new Set());
      await meter.host.transfer(SOME);
      expect((await bytesOf(meter.chains, next)).downlink).toBeGreaterThan(50_000);
    });

    test("inherit nothing in a new process either", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer(SOME);
      await meter.chains.shut(ALICE.uid);
      const later = await chainsOn(meter.host, { adopt: true });
      later.setAccounts(new Map([[ALICE.uid, 0x51000018]]));
      expect(await bytesOf(later, 0x51000018)).toEqual({ uplink: 0, downlink: 0 });
      expect(later.shutUids()).toEqual(new Set());
    });

    test("go on with their bytes when their uid changes", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      await meter.host.transfer(SOME);
      const known = await meter.alice();
      meter.chains.setAccounts(new Map([[61_050, ALICE.mark]]));
      expect(await meter.alice()).toEqual(known);
      expect(rules(meter.host)).not.toContain("61001");
      await meter.host.transfer({ ...SOME, uid: 61_050 });
      expect((await meter.alice()).uplink).toBeGreaterThan(known.uplink + 30_000);
    });

    test("leave no chain behind, nor those of accounts that scripts left behind", async () => {
      await using meter = await metered(variant, async (host) => {
        scriptsChain(host, 61_009, 2);
        host.sh("iptables -A FORWARD -j BW_61009");
        host.sh("iptables -N BW_61009x");
        host.sh("iptables -A OUTPUT -p udp -j BW_61009x");
        await host.transfer({ ...SOME, uid: 61_009 });
      });
      await meter.alice();
      expect(rules(meter.host)).not.toMatch(/BW[IO]?_61009\b/);
      expect(rules(meter.host)).toContain("-A OUTPUT -p udp -j BW_61009x");
      meter.chains.setAccounts(new Map());
      await meter.chains.look();
      expect(rules(meter.host)).not.toMatch(/BW[IO]?_\d+\b/);
    });

    test.for([
      { name: "over a cable", to: FAR.ipv4 },
      { name: "over a cable, IPv6", to: FAR.ipv6 },
      { name: "to a local service", to: LOCAL.ipv4 },
    ])("stop at a shut gate and are not counted there, $name", async ({ to }) => {
      await using meter = await metered(variant);
      await meter.alice();
      await using client = meter.host.startTransfer({ uid: ALICE.uid, to, up: 10, down: 100_000 * MB });
      await until("megabytes have come", async () => (await meter.alice()).downlink > 2 * MB);
      await meter.chains.shut(ALICE.uid);
      expect(meter.chains.shutUids()).toEqual(new Set([ALICE.uid]));
      const stopped = await meter.alice();
      await meter.host.transfer({ ...SOME, uid: BOB.uid, to });
      expect(await meter.alice()).toEqual(stopped);
      expect((await bytesOf(meter.chains, BOB.mark)).uplink).toBeGreaterThan(30_000);
      await meter.chains.open(ALICE.uid);
      expect(meter.chains.shutUids()).toEqual(new Set());
      await until("the download runs on", async () => (await meter.alice()).downlink > stopped.downlink + MB);
      expect(client.child.exitCode).toBeNull();
    });

    test("stay cut when the firewall is flushed, and when a new process finds the gate", async () => {
      await using meter = await metered(variant);
      await meter.chains.shut(ALICE.uid);
      meter.host.sh("iptables -F");
      meter.host.sh("iptables -X");
      await meter.chains.look();
      expect(meter.chains.shutUids()).toEqual(new Set([ALICE.uid]));
      const later = await chainsOn(meter.host);
      await later.look();
      expect(later.shutUids()).toEqual(new Set([ALICE.uid]));
      meter.host.sh(`iptables -D BWI_${ALICE.uid} 1`);
      await later.open(BOB.uid);
      expect(later.shutUids(), "a gate with a hole is mended at the same look").toEqual(new Set([ALICE.uid]));
    });

    test("come first when a firewall puts itself in front of them", async () => {
      await using meter = await metered(variant);
      await meter.alice();
      for (const chain of ["OUTPUT", "INPUT"]) meter.host.sh(`iptables -I ${chain} -p tcp -j ACCEPT`);
      await meter.alice();
      await meter.host.transfer(SOME);
      const { uplink, downlink } = await meter.alice();
      expect(uplink).toBeGreaterThan(30_000);
      expect(downlink).toBeGreaterThan(50_000);
    });

    test("have what they send counted on flows that carry another program's mark", async () => {
      await using meter = await metered(variant, (host) => {
        host.sh("iptables -t mangle -A OUTPUT -p tcp -j CONNMARK --set-mark 7");
      });
      await meter.alice();
      await meter.host.transfer(SOME);
      const { uplink, downlink } = await meter.alice();
      expect(uplink).toBeGreaterThan(30_000);
      expect(downlink).toBe(0);
      await meter.chains.shut(ALICE.uid);
      await using client = meter.host.startTransfer(SOME);
      const first = client.line().catch((error: unknown) => String(error));
      await until("packets were dropped", () =>
        /\[[1-9]\d*:\d+\] -A BW_61001 .*gate/.test(meter.host.sh("iptables-save -c")),
      );
      client.child.kill("SIGKILL");
      expect(await first).toMatch(/it ended/);
    });

    test("leave the host as it was when all is taken away", async () => {
      let before = "";
      let six = "";
      await using meter = await metered(variant, (host) => {
        host.sh("iptables -A INPUT -p tcp --dport 22 -j ACCEPT");
        scriptsChain(host, ALICE.uid);
        before = rules(host);
        host.sh("ip6tables -N other");
        six = rules(host, "ip6tables");
      });
      await meter.chains.shut(ALICE.uid);
      await meter.chains.removeAll();
      expect(rules(meter.host)).toBe(before);
      expect(rules(meter.host, "ip6tables")).toBe(six);
      await expect(meter.chains.look()).rejects.toThrow("no accounts were set");
    });

    test("fail loudly where the rules cannot be had", async () => {
      await using meter = await metered(variant);
      const chains = await chainsOn(meter.host, {
        wrap: (run) => (program, parameters, input) =>
          program.startsWith("ip6") && program.endsWith("-restore")
            ? Promise.reject(new Error("Resource temporarily unavailable"))
            : run(program, parameters, input),
      });
      await expect(chains.look()).rejects.toThrow("Resource temporarily unavailable");
      await expect(chains.shut(61_077)).rejects.toThrow(/gate of uid 61077: no account/);
    });
  });
});

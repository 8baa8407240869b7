/** What users of real engines ask for: by the access log, and by the packets that go on from there. */
import { describe, expect, test } from "vitest";
import { findEngine } from "../support/engines.ts";
import { CLIENT } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { ENGINE_PROTOCOLS, engineSettings, openClient, startServer, userOf } from "./capture-engine.ts";
import { CAPTURE_NEEDS, openCaptureStage } from "./capture-stage.ts";

/** Behind the far host's network: nobody answers there, and no name is shown. */
const NAMELESS = "198.51.100.77";
const PROGRAMS = ["nginx", "curl", "openssl"] as const;

describe.each(["xray", "v2ray"] as const)("a capture beside %s", (kind) => {
  const program = findEngine(kind);
  const missing = needs(...CAPTURE_NEEDS, ...PROGRAMS) || (program ? "" : ` (needs: ${kind})`);

  test.skipIf(missing)(
    `lists what its users ask for by protocol, and no address that showed a name${missing}`,
    { timeout: 60_000 },
    async () => {
      if (!program) throw new Error(`Cannot find ${kind}`);
      await using stage = await openCaptureStage({ settings: engineSettings });
      await using _server = await startServer(stage, program);
      const capture = await stage.start();
      for (const protocol of ENGINE_PROTOCOLS) {
        await using client = await openClient(stage, program, protocol);
        await client.fetch(`http://www.${protocol}.example/`);
        const line = await stage.log.line(`www.${protocol}.example`);
        expect(line).toMatchObject({ service: protocol.toUpperCase(), source: CLIENT });
      }
      await using client = await openClient(stage, program, "vless");
      await client.fetch("https://www.inside.example/");
      await client.fetch(`telnet://${NAMELESS}:7`);
      expect(await stage.log.line("www.inside.example")).toMatchObject({ service: "SNI" });
      expect(await stage.log.line(NAMELESS)).toMatchObject({ service: "IP" });
      const hosts = (await stage.log.lines()).map(({ host }) => host as string);
      const names = ENGINE_PROTOCOLS.map((protocol) => `www.${protocol}.example`);
      expect(hosts.toSorted()).toEqual([NAMELESS, "www.inside.example", ...names].toSorted());
      const { taps, refusals } = await capture.status();
      expect(taps[1]).toMatchObject({ trouble: "" });
      expect(refusals.local).toBe(0);
    },
  );
});

const xray = findEngine("xray");
const noGates = needs(...CAPTURE_NEEDS, ...PROGRAMS, "nft") || (xray ? "" : " (needs: xray)");

test.skipIf(noGates)(
  `a capture puts a marked outbound's flows down to its user and his client${noGates}`,
  { timeout: 60_000 },
  async () => {
    if (!xray) throw new Error("Cannot find an Xray");
    await using stage = await openCaptureStage({
      hosts: { per_account: true },
      settings: (folder: string) => engineSettings(folder, { gates: "auto" }),
    });
    await using _server = await startServer(stage, xray);
    await using _enforcer = await stage.sluice.start({ namespace: stage.server.name });
    const capture = await stage.start();
    await until("the enforcer answers", async () => (await capture.status()).enforcer);
    const user = userOf("vless").email;
    await until(`${user} has a gate`, async () =>
      (await stage.sluice.row(user)).stops.some(({ step }) => step === "gate"),
    );
    await using client = await openClient(stage, xray, "vless");
    await client.fetch("https://www.inside.example/");
    expect(await stage.log.line("www.inside.example")).toMatchObject({ service: "VLESS", source: CLIENT });
    const listed = await stage.sluice.run("hosts", "list", "--user", user, "--json");
    expect((JSON.parse(listed.stdout) as { host: string }[]).map(({ host }) => host)).toContain(
      "www.inside.example",
    );
  },
);

/** A cut OpenVPN user stops at his limit, is told why, stays out, and comes back after the reset. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { setOpenvpnStage } from "./openvpn-stage.ts";

const missing = needs("root", "openvpn", "nft", "ip", "socat", "openssl");
const LIMIT = 20 << 20;
/** The largest packet the kernel hands around here. */
const LARGEST_PACKET = 64 << 10;

describe.skipIf(missing)(`An OpenVPN user's limit${missing}`, () => {
  test.for([
    { back: "retry", protocol: "udp", client: ["auth-retry nointeract"] },
    { back: "wait", protocol: "tcp", client: [] },
  ] as const)(
    'stops him to the packet, tells his client, and lets him back after the reset ("$back", $protocol)',
    { timeout: 120_000 },
    async ({ back, protocol, client }) => {
      await using stage = await setOpenvpnStage({
        ...{ keepalive: "1 5", protocol, client, return: back },
        server: ["server-ipv6 fd98::/64"],
        openvpn: { return: back, backoff_s: 3 },
      });
      const { bed, sluice, innerOf } = stage;
      const daemon = await stage.start();
      await sluice.event("metering-began");
      await bed.run("up");
      await sluice.run("limit", "set", "alice", "20MB", "--create", "--service", "openvpn");
      const sessions = await sluice.run("openvpn", "sessions", "--user", "alice", "--json");
      expect(JSON.parse(sessions.stdout)).toMatchObject([
        { addresses: [expect.stringMatching(/^10\.98\.0\./), expect.stringMatching(/^fd98::/)] },
      ]);
      expect(await bed.traffic(1, "alice", "down")).toBe(true);
      const before = await innerOf("alice");
      expect(await bed.traffic(60, "alice", "down", 6)).toBe(false);
      const cut = await sluice.event("cut", "alice");
      expect(cut.text).toContain("QUOTA EXCEEDED");

      const row = await sluice.row("alice");
      const served = row.totalBytes;
      expect(served).toBeGreaterThan(LIMIT * 0.95);
      expect(served).toBeLessThan(LIMIT * 1.07 + LARGEST_PACKET); // the link's own bytes are 6 % at most
      expect(before.down).toBeGreaterThan(1 << 20);

      expect(await bed.log("alice")).toMatch(/AUTH_FAILED.*TEMP\[backoff 3\]:.*quota/);
      expect(await bed.traffic(1, "bob", "up")).toBe(true);
      await until(
        "he came again and did not get through",
        async () => ((await bed.log("alice")).match(/AUTH_FAILED/g)?.length ?? 0) >= 2,
        30_000,
      );
      expect((await sluice.row("alice")).state).toBe("limited");
      if (back === "retry") {
        // The server calls each refused try a login that ended.
        const sessions = (await sluice.events()).filter(({ kind }) => kind === "session-ended");
        expect(sessions.filter(({ user }) => user === "alice")).toHaveLength(1);
      }

      // What a boot forgets, the service in front of OpenVPN puts back.
      const denied = join(sluice.directory, "run", "denied");
      await rm(join(denied, "alice"));
      expect((await sluice.run("gates", "load")).stdout).toContain("The daemon runs");
      const kicked = await sluice.run("openvpn", "kick", "bob");
      expect(kicked).toMatchObject({ status: 0, stdout: "1 logins of bob at server ended\n" });
      await daemon.stop();
      await sluice.run("gates", "load");
      expect(await readdir(denied)).toEqual(["alice"]);
      await stage.start();

      await sluice.run("reset", "alice");
      // The backoff he was told and ten seconds, of which each try may take three.
      await until("his traffic passes again", () => bed.traffic(1, "alice", "down", 3), 13_000);
    },
  );

  test("keeps him out at his next login where only a status file is read, and says that he lasts until then", {
    timeout: 60_000,
  }, async () => {
    await using stage = await setOpenvpnStage({ from: "status-file", clients: ["alice"] });
    const { bed, sluice } = stage;
    await stage.start();
    await sluice.event("metering-began");
    await bed.run("up");
    await sluice.run("limit", "set", "alice", "2MB", "--create", "--service", "openvpn");
    expect(await bed.traffic(3, "alice", "down")).toBe(true);
    const cut = await sluice.event("cut", "alice");
    // What the file tells only later is told behind it.
    expect(cut.text).toMatch(
      /^QUOTA EXCEEDED: Cut alice, but 1 logins of his last until he leaves: only the server's status file is read(; \d+ bytes passed after the cut)?$/,
    );
    await bed.run("disconnect", "alice");
    await bed.run("connect", "alice", "nowait");
    await until("he is refused", async () => (await bed.log("alice")).includes("AUTH_FAILED"), 20_000);
    expect((await sluice.run("openvpn", "kick", "alice")).status).not.toBe(0);
  });
});

import { access, readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { execute, type Family } from "./namespaces.ts";
import { ORDER_LENGTH } from "./origin.ts";
import { processesOf } from "./ssh-accounts.ts";
import { missingForSsh, openSshStage } from "./ssh-stage.ts";
import type { TunnelOptions } from "./ssh-tunnels.ts";
import { until } from "./until.ts";

const MB = 1_000_000;
const UP = 3 * MB;
const DOWN = 10 * MB;

const WAYS = (["sshd", "dropbear"] as const).flatMap((via) =>
  (["local", "remote", "dynamic"] as const).flatMap((forward) =>
    ([4, 6] as const).map((family) => ({ via, forward, family })),
  ),
);

describe.skipIf(missingForSsh)(`the SSH stage${missingForSsh}`, { timeout: 120_000 }, () => {
  test("carries 10 MB down and 3 MB up through every kind of tunnel, counted right at both ends", async () => {
    await using stage = await openSshStage();
    const account = await stage.addAccount();
    for (const way of WAYS) {
      const { forward, family } = way;
      const target = stage.origins[forward === "remote" ? "client" : "far"][family];
      await using tunnel = await stage.tunnel({ ...way, account, target });
      const before = await target.tally();
      const done = await (await tunnel.transfer({ up: UP, down: DOWN })).finish();
      const after = await target.tally();
      const moved = [after.received - before.received - ORDER_LENGTH, after.sent - before.sent];
      const words = Object.values(way).join(" ");
      expect.soft(done, words).toMatchObject({ outcome: "complete", up: UP, down: DOWN });
      expect.soft(moved, words).toEqual(forward === "remote" ? [DOWN, UP] : [UP, DOWN]);
    }
  });

  test.for([4, 6] as const)("reaches origins on the server's own loopback, over IPv%d", async (family) => {
    await using stage = await openSshStage();
    const options = await local(stage, "server", family);
    await using tunnel = await stage.tunnel(options);
    expect(await tunnel.get(MB)).toMatchObject({ outcome: "complete", down: MB });
    expect(await tunnel.put(MB)).toMatchObject({ outcome: "complete", up: MB });
    expect(await stage.origins.server[family].tally()).toMatchObject({
      received: MB + 2 * ORDER_LENGTH,
      sent: MB,
    });
  });

  test("carries many channels at once, and tells when a broken tunnel's last byte came", async () => {
    await using stage = await openSshStage();
    await using tunnel = await stage.tunnel(await local(stage, "far", 4));
    const channels = await Promise.all(
      Array.from({ length: 20 }, () => tunnel.transfer({ up: 0, down: 100 * MB, rate: MB })),
    );
    await until("all channels move", async () =>
      (await Promise.all(channels.map((channel) => channel.progress()))).every(({ down }) => down > 0),
    );
    const began = Date.now();
    process.kill(tunnel.pid, "SIGTERM");
    await tunnel.closed;
    for (const channel of channels) {
      const { outcome, down, lastAt } = await channel.finish();
      expect(outcome).not.toBe("complete");
      expect(down).toBeLessThan(100 * MB);
      expect(Math.abs((lastAt ?? 0) - began)).toBeLessThan(2_000);
    }
  });

  test("says what ssh said when a login is refused", async () => {
    await using stage = await openSshStage();
    const options = await local(stage, "far", 4);
    const account = { ...options.account, password: "another" };
    await expect(stage.tunnel({ ...options, account, via: "dropbear" })).rejects.toThrow(
      /^Cannot open a tunnel: ssh ended with status 255: .*Permission denied/s,
    );
  });

  test("leaves nothing behind: no process, account, home, namespace or file", async () => {
    const stage = await openSshStage();
    const options = await local(stage, "far", 4, { home: true });
    const { account } = options;
    await stage.addAccount().then(({ name }) => execute("userdel", ["--force", "--", name]));
    const tunnel = await stage.tunnel(options);
    const channel = await tunnel.transfer({ up: 0, down: 100 * MB, rate: MB });
    const sleeper = stage.server.spawn("setpriv", [
      "--reuid",
      `${account.uid}`,
      "--clear-groups",
      "sleep",
      "600",
    ]);
    await until("he has processes", async () => (await processesOf(account.uid)).length >= 2);
    const pids = [tunnel, stage.sshd, stage.dropbear, ...Object.values(stage.hands), sleeper].map(
      ({ pid }) => `${pid}`,
    );
    const namespaces = [stage.client, stage.server, stage.far].map(({ name }) => name);
    expect(await readdir("/run/netns")).toEqual(expect.arrayContaining(namespaces));
    expect(await readdir("/proc")).toEqual(expect.arrayContaining(pids));
    await access(account.home);
    await channel.progress();

    await stage[Symbol.asyncDispose]();
    expect((await readdir("/run/netns")).filter((name) => namespaces.includes(name))).toEqual([]);
    expect((await readdir("/proc")).filter((pid) => pids.includes(pid))).toEqual([]);
    expect(await processesOf(account.uid)).toEqual([]);
    await expect(execute("getent", ["passwd", account.name])).rejects.toThrow();
    await expect(execute("getent", ["group", account.name])).rejects.toThrow();
    for (const path of [account.home, stage.folder]) await expect(access(path)).rejects.toThrow("ENOENT");
  });
});

type Stage = Awaited<ReturnType<typeof openSshStage>>;

async function local(
  stage: Stage,
  where: "far" | "server",
  family: Family,
  more = {},
): Promise<TunnelOptions> {
  const account = await stage.addAccount(more);
  return { account, via: "sshd", forward: "local", target: stage.origins[where][family], family };
}

/** The gate in the kernel, with a real sshd and a real client: stopped at the byte, for one user alone. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const LIMIT = 50 * MIB;
/** The largest packet that goes through the stack at once; the one that would cross the limit is dropped whole. */
const LARGEST_PACKET = 64 * 1024;

describe.skipIf(missingForSsh)(`an SSH user at his limit${missingForSsh}`, { timeout: 60_000 }, () => {
  let stage: SshStage;
  let sluice: Sluice;
  beforeAll(async () => {
    stage = await openSshStage();
    sluice = await makeSluice({ ssh: { ...stage.settings, on_limit: "cut" } });
    await sluice.start({ namespace: stage.server.name });
  }, 60_000);
  afterAll(async () => {
    await sluice?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  }, 60_000);

  const metered = async () => {
    const account = await stage.addAccount();
    await until(`${account.name} is metered`, async () =>
      (await sluice.users()).some(({ name }) => name === account.name),
    );
    return account;
  };
  const through = (account: Awaited<ReturnType<typeof metered>>) =>
    stage.tunnel({ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 });

  test("with 50 MB left gets no byte more, and hardly one less, while a neighbour runs on", async () => {
    const [joe, amy] = [await metered(), await metered()];
    expect((await sluice.run("limit", "set", joe.name, "50MB")).status).toBe(0);
    await using his = await through(joe);
    await using hers = await through(amy);
    const cut = sluice.event("cut", joe.name);
    const neighbour = hers.get(30 * MIB);
    const { down, outcome } = await his.get(100 * MIB);
    expect(outcome).not.toBe("complete");
    await cut;
    const row = await sluice.row(joe.name);
    expect(row.totalBytes).toBeLessThanOrEqual(LIMIT);
    expect(row.totalBytes).toBeGreaterThanOrEqual(LIMIT - LARGEST_PACKET);
    expect(down).toBeLessThan(LIMIT);
    expect(row).toMatchObject({ state: "limited", gate: "ssh: cut" });
    await his.closed;
    expect(await neighbour).toMatchObject({ outcome: "complete", down: 30 * MIB });

    // The login itself is open, as the settings say; nothing comes through it.
    await using again = await through(joe);
    const stuck = await again.transfer({ up: 0, down: 1000 });
    await delay(500);
    expect(await stuck.progress()).toMatchObject({ down: 0 });
    expect((await sluice.row(joe.name)).totalBytes).toBe(row.totalBytes);

    expect((await sluice.run("reset", joe.name)).status).toBe(0);
    await sluice.event("restored", joe.name);
    await using back = await through(joe);
    expect(await back.get(MIB)).toMatchObject({ outcome: "complete", down: MIB });
  });

  test("gets what a raised limit leaves, to the byte, while his download goes on", async () => {
    const joe = await metered();
    await sluice.run("limit", "set", joe.name, "5MB");
    await using his = await through(joe);
    const download = await his.transfer({ up: 0, down: 100 * MIB, rate: 4 * MIB });
    await until("a megabyte has come", async () => (await download.progress()).down > MIB);
    expect((await sluice.run("limit", "set", joe.name, "8MB")).status).toBe(0);
    await sluice.event("cut", joe.name);
    const { totalBytes } = await sluice.row(joe.name);
    expect(totalBytes).toBeLessThanOrEqual(8 * MIB);
    expect(totalBytes).toBeGreaterThanOrEqual(8 * MIB - LARGEST_PACKET);
  });

  test("is locked out while he is disabled, and let in afterwards", async () => {
    const joe = await metered();
    await using his = await through(joe);
    expect(await his.get(1000)).toMatchObject({ outcome: "complete" });
    expect((await sluice.run("disable", joe.name)).status).toBe(0);
    await his.closed;
    await expect(through(joe)).rejects.toThrow("Cannot open a tunnel");
    expect((await sluice.run("enable", joe.name)).status).toBe(0);
    await sluice.event("restored", joe.name);
    await using back = await through(joe);
    expect(await back.get(1000)).toMatchObject({ outcome: "complete", down: 1000 });
  });

  test("is cut at his daily limit, and not locked", async () => {
    const joe = await metered();
    await sluice.run("limit", "set", joe.name, "0", "--daily", "2MB");
    await using his = await through(joe);
    expect((await his.get(10 * MIB)).outcome).not.toBe("complete");
    await sluice.event("cut", joe.name);
    const { dailyBytes } = await sluice.row(joe.name);
    expect(dailyBytes).toBeLessThanOrEqual(2 * MIB);
    expect(dailyBytes).toBeGreaterThanOrEqual(2 * MIB - LARGEST_PACKET);
    await using again = await through(joe);
    await again[Symbol.asyncDispose]();
  });
});

/** What stays in the kernel when Sluice stops, and how it is taken out. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI, makeSluice, type Sluice } from "../support/sluice.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

describe.skipIf(missingForSsh)(`gates in the kernel${missingForSsh}`, { timeout: 60_000 }, () => {
  let stage: SshStage;
  beforeAll(async () => {
    stage = await openSshStage();
  }, 60_000);
  afterAll(() => stage?.[Symbol.asyncDispose](), 60_000);

  const remove = (sluice: Sluice, wrapper: readonly string[] = []) => {
    const [program, ...words] = [...wrapper, process.execPath, CLI, "gates", "remove"];
    return stage.server.run(program, [...words, "--config", sluice.settingsPath]);
  };
  const rules = async () =>
    (await stage.server.run("iptables-save", [])) + (await stage.server.run("nft", ["list", "ruleset"]));

  test.for(["nftables", "iptables"])(
    "of %s outlive the daemon, and go when they are told to",
    async (backend) => {
      const account = await stage.addAccount();
      await using sluice = await makeSluice({ ssh: { ...stage.settings, backend, on_limit: "cut" } });
      const daemon = await sluice.start({ namespace: stage.server.name });
      await until("he is metered", async () =>
        (await sluice.users()).some(({ name }) => name === account.name),
      );
      await using tunnel = await stage.tunnel({
        ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
      });
      await sluice.run("limit", "set", account.name, "1MB");
      const pulled = await tunnel.transfer({ up: 0, down: 100 * MIB, rate: 10 * MIB });
      expect((await pulled.finish()).outcome).not.toBe("complete");
      await sluice.event("cut", account.name);
      expect(await sluice.run("gates", "remove")).toMatchObject({
        status: 4,
        stderr: expect.stringContaining("another Sluice"),
      });
      await daemon.stop();
      expect(await rules()).toMatch(/sluice/i);
      expect(await remove(sluice)).toBe("Nothing of Sluice's is in the kernel any more.\n");
      expect(await rules()).not.toMatch(/sluice|BW_/i);
      await using again = await stage.tunnel({
        ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
      });
      expect(await again.get(2 * MIB)).toMatchObject({ outcome: "complete" });
    },
  );

  test("are not said to be gone where they cannot be looked at", async () => {
    await using sluice = await makeSluice({ ssh: stage.settings });
    const empty = join(stage.folder, "no-programs");
    mkdirSync(empty);
    const hide = 'mount --bind "$1" /usr/sbin && shift && exec "$@"';
    const said = await remove(sluice, ["unshare", "--mount", "--", "sh", "-c", hide, "sh", empty]);
    expect(said).toMatch(/Not looked at: Cannot use nftables: .*not installed.*iptables/);
  });
});

/** SSH on hosts that lack something, and traffic that no rule sees: said in a sentence, while everything else runs on. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import type { Status } from "../../src/control/rows.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import { endChild, entering } from "../support/namespaces.ts";
import { CLI, makeSluice, type Sluice } from "../support/sluice.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

describe.skipIf(missingForSsh)(`SSH metering${missingForSsh}`, { timeout: 60_000 }, () => {
  let stage: SshStage;
  beforeAll(async () => {
    stage = await openSshStage();
  }, 60_000);
  afterAll(() => stage?.[Symbol.asyncDispose](), 60_000);

  const statusOf = async (sluice: Sluice): Promise<Status> => {
    const { status, stdout } = await sluice.run("status", "--json");
    if (status !== 0) throw new Error("The daemon does not answer yet");
    return JSON.parse(stdout) as Status;
  };
  const sshOf = async (sluice: Sluice) => (await statusOf(sluice)).sources.find(({ name }) => name === "ssh");

  /** A daemon beside an engine of one user, run by `wrapper`, and with both until it is over. */
  async function beside(wrapper: readonly string[], ssh: object) {
    await using setup = new AsyncDisposableStack();
    const engine = setup.use(
      await startDemoEngine({
        address: `unix:${join(stage.folder, `${Math.random().toString(36).slice(2)}.sock`)}`,
        clock: systemClock,
        users: [{ email: "xenia", inbound: "in" }],
      }),
    );
    const xray = { name: "xray", api: engine.target, config: null, access_log: null, service: null };
    const sluice = setup.use(
      await makeSluice({ max_period_ms: 100, xray, ssh: { ...stage.settings, ...ssh } }),
    );
    execFileSync("chown", ["-R", "nobody", sluice.directory]);
    const socket = engine.target.replace("unix:", "");
    execFileSync("chmod", ["666", socket]);
    const [program, ...words] = [
      ...entering(stage.server.name),
      ...wrapper,
      ...[process.execPath, CLI, "enforce", "--config", sluice.settingsPath],
    ];
    const child = spawn(program, words, { stdio: "ignore" });
    setup.defer(() => endChild(child));
    await until("the daemon answers", () =>
      statusOf(sluice).then(
        () => true,
        () => false,
      ),
    );
    await until("the engine has been looked at", async () =>
      (await statusOf(sluice)).sources.some(({ name, answering }) => name === "xray" && answering),
    );
    engine.add("xenia", { uplink: bytes(0), downlink: bytes(MIB) });
    await until("the engine is metered", async () =>
      (await sluice.users()).some(({ name, totalBytes }) => name === "xenia" && totalBytes === MIB),
    );
    const running = setup.move();
    return { sluice, [Symbol.asyncDispose]: () => running.disposeAsync() };
  }

  test("without root says what it takes, and the engine is metered all the same", async () => {
    await stage.addAccount();
    await using it = await beside(["setpriv", "--reuid", "nobody", "--clear-groups"], {});
    const ssh = await until("it has been tried", async () => {
      const source = await sshOf(it.sluice);
      return source?.trouble.includes("Cannot") ? source : undefined;
    });
    expect(ssh).toMatchObject({ answering: false, trouble: expect.stringMatching(/CAP_NET_ADMIN \(root\)/) });
  });

  test.for([
    { backend: "nftables", answering: false },
    { backend: "auto", answering: true },
  ])(
    "without nft, backend $backend: answers $answering, and the engine is metered all the same",
    async ({ backend, answering }) => {
      const account = await stage.addAccount();
      // iptables alone is left in the folder of such programs.
      const programs = join(stage.folder, `sbin-${backend}`);
      mkdirSync(programs);
      execFileSync("sh", ["-c", 'cp -a /usr/sbin/*tables* /usr/sbin/conntrack "$1"', "sh", programs]);
      const hide = 'mount --bind "$1" /usr/sbin && shift && exec "$@"';
      await using it = await beside(["unshare", "--mount", "--", "sh", "-c", hide, "sh", programs], {
        backend,
      });
      const ssh = await until("it is decided", async () => {
        const source = await sshOf(it.sluice);
        return source && (source.answering || source.trouble.includes("Cannot")) ? source : undefined;
      });
      expect(ssh.answering).toBe(answering);
      if (!answering) {
        expect(ssh.trouble).toContain("the nft command is not installed");
        return;
      }
      expect(ssh.notes.join("\n")).toContain("counted by iptables");
      await using tunnel = await stage.tunnel({
        ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
      });
      await it.sluice.run("limit", "set", account.name, "50MB");
      const download = await tunnel.transfer({ up: 0, down: 200 * MIB, rate: 40 * MIB });
      expect((await download.finish()).outcome).not.toBe("complete");
      await it.sluice.event("cut", account.name);
      await stage.server.run("iptables", ["-F"]);
      await stage.server.run("ip6tables", ["-F"]);
    },
  );

  test.for(["nftables", "iptables"])(
    "with %s and a tracking table that is too small and stays so, loads no rule and says how large it must be",
    async (backend) => {
      await stage.addAccount();
      await stage.server.run("nft", ["flush", "ruleset"]);
      const small = join(stage.folder, `conntrack-max-${backend}`);
      await writeFile(small, "8192\n");
      const max = "/proc/sys/net/netfilter/nf_conntrack_max";
      const cover = `mount --bind "$1" ${max} && mount -o remount,bind,ro ${max} && shift && exec "$@"`;
      await using it = await beside(["unshare", "--mount", "--", "sh", "-c", cover, "sh", small], {
        backend,
      });
      const ssh = await until("it has been tried", async () => {
        const source = await sshOf(it.sluice);
        return source?.trouble.includes("Cannot") ? source : undefined;
      });
      expect(ssh).toMatchObject({ answering: false });
      expect(ssh.trouble).toMatch(/room for 8192 entries, 65536 are needed, and it cannot be raised/);
      expect(await stage.server.run("nft", ["list", "ruleset"])).not.toMatch(/sluice|BW_/i);
    },
  );

  test.for([
    {
      name: "another program's mark",
      table: "mangle",
      target: "CONNMARK --set-mark 0x1",
      says: "another program's mark",
    },
    { name: "a notrack rule", table: "raw", target: "CT --notrack", says: '"notrack" rule' },
  ])("tells of bytes that pass by $name", async ({ table, target, says }) => {
    const account = await stage.addAccount();
    await using sluice = await makeSluice({ ssh: { ...stage.settings, backend: "nftables" } });
    const rule = ["-t", table, "-A", "OUTPUT", "-m", "owner", "--uid-owner", String(account.uid), "-j"];
    await stage.server.run("iptables", [...rule, ...target.split(" ")]);
    await sluice.start({ namespace: stage.server.name });
    await using tunnel = await stage.tunnel({
      ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
    });
    expect(await tunnel.put(MIB)).toMatchObject({ outcome: "complete" });
    const told = await until("it is told", async () => {
      const { stdout } = await sluice.run("doctor");
      // A look may come while they pass.
      return /ssh: [1-9]\d{6,} bytes of SSH logins passed uncounted/.test(stdout) && stdout;
    });
    expect(told).toContain(says);
    expect((await sluice.row(account.name)).totalBytes).toBe(0);
    await stage.server.run("iptables", ["-t", table, "-F"]);
  });

  test("tells of what no rule can see: commands, and forwards to sockets of the file system", async () => {
    await stage.addAccount();
    await using sluice = await makeSluice({ ssh: stage.settings });
    await sluice.start({ namespace: stage.server.name });
    for (const command of ["status", "doctor"]) {
      // It answers before it has looked at SSH for the first time.
      await until(`${command} tells of it`, async () =>
        (await sluice.run(command)).stdout.includes(
          "not seen: scp, sftp and commands, and forwards to Unix sockets",
        ),
      );
    }
  });
});

/** `sluice openvpn setup` on a real server's config, the server on it, and back. */
import { once } from "node:events";
import { existsSync, rmdirSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTestbed } from "../support/openvpn/testbed.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const missing = needs("root", "openvpn");

test.skipIf(missing)(
  `a server is set up, runs on it, and has its config back byte for byte${missing}`,
  async () => {
    if (!existsSync("/run/openvpn-sluice")) onTestFinished(() => rmdirSync("/run/openvpn-sluice"));
    await using bed = await openTestbed({
      clients: ["alice"],
      protocol: "tcp",
      server: ["management 127.0.0.1 7505 # as a guide has it", "verb 3"],
    });
    await bed.run("up", "server");
    const config = join(bed.directory, "server.conf");
    const before = await readFile(config, "utf8");
    await chmod(config, 0o640);
    const name = `test-${process.pid}`;
    const socket = `/run/openvpn-sluice/${name}.sock`;
    await using sluice = await makeSluice({ xray: null, openvpn: [{ name, config, management: socket }] });
    const setup = (...words: readonly string[]) => sluice.run("openvpn", "setup", "--server", name, ...words);

    expect(await setup()).toMatchObject({ status: 2, stdout: expect.stringContaining("+management ") });
    // The bed's hook could be one that lets clients in.
    expect(await setup("--yes")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--replace-hooks"),
    });
    expect(await readFile(config, "utf8")).toBe(before);

    expect(await setup("--yes", "--replace-hooks")).toMatchObject({ status: 0, stderr: "" });
    expect((await stat(config)).mode & 0o777).toBe(0o640);
    expect((await stat("/run/openvpn-sluice")).mode & 0o007).toBe(0);
    const copies = (await readdir(bed.directory)).filter((entry) => entry.endsWith(".bak"));
    expect(await Promise.all(copies.map((entry) => readFile(join(bed.directory, entry), "utf8")))).toEqual([
      before,
    ]);

    await bed.run("server", "term");
    await bed.run("server", "start");
    const management = connect(socket);
    const [banner] = (await once(management, "data")) as [Buffer];
    management.destroy();
    expect(banner.toString()).toMatch(/^>INFO:OpenVPN Management Interface/);

    await bed.run("connect", "alice"); // nobody is denied while there is no list
    await bed.run("disconnect", "alice");
    const spool = join(sluice.directory, "data/openvpn", name);
    await until("his last figures are noted", async () => (await readdir(spool)).length === 1);
    await mkdir(join(sluice.directory, "run/denied"), { recursive: true });
    await writeFile(join(sluice.directory, "run/denied/alice"), "");
    await bed.run("connect", "alice", "nowait");
    await until("he is refused", async () => (await bed.log("alice")).includes("AUTH_FAILED"));

    expect(await setup("--undo", "--yes")).toMatchObject({ status: 0, stderr: "" });
    expect(await readFile(config, "utf8")).toBe(before);
  },
);

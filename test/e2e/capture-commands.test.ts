/** `sluice hosts ...` and `capture-host`, with a running capture and without one. */
import { chmod, lstat, mkdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { spawnCapture, startWatch } from "../support/capture.ts";
import { execute } from "../support/namespaces.ts";
import { SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { runCli } from "../support/sluice.ts";
import { until } from "../support/until.ts";
import { CAPTURE_NEEDS, type CaptureStage, openCaptureStage, pitch, requestFor } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx");
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
const YESTERDAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19).replace("T", " ");

describe.skipIf(missing)(`commands on hosts${missing}`, () => {
  test.each(["with", "without"])(
    "list, add, remove and clear the same %s a running capture",
    async (word) => {
      await using stage = await openCaptureStage({ hosts: { own_domains: ["own.example"] } });
      if (word === "with") await stage.start();
      const hosts = hostsCommand(stage);
      expect(await hosts("list")).toEqual([]);
      const line = { host: "www.added.example", service: "Manual", source: "N/A", time: TIME };
      expect(await hosts("add", "WWW.Added.example.")).toEqual({ added: line });
      expect(await hosts("add", "www.added.example")).toEqual({ added: null });
      const placed = { host: "8.8.8.8", service: "VLESS", source: "203.0.113.77", time: TIME };
      const words = ["add", "8.8.8.8", "--service", "vless", "--source", "203.0.113.77"];
      expect(await hosts(...words)).toEqual({ added: placed });
      expect(await hosts("list")).toMatchObject([line, placed]);
      expect((await stage.log.lines()).map(({ host }) => host)).toEqual(["www.added.example", "8.8.8.8"]);

      for (const bad of ["bad|name.example", "10.0.0.1", "localhost", "own.example"]) {
        const refused = await stage.sluice.run("hosts", "add", bad);
        expect(refused, bad).toMatchObject({ status: 2, stdout: "" });
        expect(refused.stderr).toMatch(/^sluice: Cannot (?:use|add) /);
      }
      expect(await hosts("remove", "8.8.8.8", "unknown.example")).toEqual({ removed: ["8.8.8.8"] });
      expect((await stage.sluice.run("hosts", "clear")).stderr).toContain("without --yes");
      expect(await hosts("clear", "--yes")).toEqual({ removed: 1 });
      expect(await stage.log.text()).toBe("");
    },
  );

  test("watch shows names as they come, and a removed one again only when it is seen anew", async () => {
    await using stage = await openCaptureStage();
    await stage.serve("server", 'server { listen 80; return 200 ""; }', [80]);
    await stage.start();
    await using watch = startWatch(stage.sluice);
    const ask = (host: string) => pitch(stage.client, { address: SERVER, port: 80 }, [requestFor(host)]);
    const shown = (times: number) => watch.text().split("www.seen.example").length - 1 === times;
    await ask("www.seen.example");
    await until("it is shown", () => shown(1));
    await stage.log.line("www.seen.example");
    const hosts = hostsCommand(stage);
    await hosts("remove", "www.seen.example");
    expect(await hosts("list")).toEqual([]);
    await ask("www.other.example");
    await stage.log.line("www.other.example");
    await ask("www.seen.example");
    await until("it is shown again", () => shown(2));
    await stage.log.line("www.seen.example");
  });

  test("takes in what an editor did to the file, and keeps the link in its place", async () => {
    await using stage = await openCaptureStage();
    const link = join(stage.sluice.directory, "state", "hosts.log");
    await mkdir(join(stage.sluice.directory, "state"));
    await writeFile(link, `old.example|SNI|${YESTERDAY}\nleft.example|Manual|N/A|${YESTERDAY}\n`);
    await stage.start();
    expect(await readlink(link)).toBe(stage.log.path);
    expect(await readFile(`${link}.before`, "latin1")).toContain("old.example");
    await writeFile(stage.log.path, (await stage.log.text()).replace(/^left.*\n/m, ""));
    const hosts = hostsCommand(stage);
    expect(await hosts("add", "left.example")).toMatchObject({ added: { host: "left.example" } });
    expect(await hosts("list")).toMatchObject([{ host: "old.example" }, { host: "left.example" }]);

    await execute("sed", ["-i", "/^old.example/d", link]);
    expect((await lstat(link)).isFile()).toBe(true);
    await until("the link is back", async () => (await lstat(link)).isSymbolicLink(), 10_000);
    await until("the list is the edited one", async () => ((await hosts("list")) as unknown[]).length === 1);
    expect(await hosts("list")).toMatchObject([{ host: "left.example" }]);
  });

  test.each(["with", "without"])("scan once reads the logs' ends, %s a running capture", async (word) => {
    await using stage = await openCaptureStage({
      hosts: (folder: string) => ({
        nginx_access: [{ path: join(folder, "a.log"), format: "$remote_addr $host" }],
      }),
    });
    await writeFile(join(stage.folder, "a.log"), "203.0.113.9 www.logged.example\n");
    if (word === "with") await stage.start();
    const { settingsPath } = stage.sluice;
    const scan = () => runCli(["--config", settingsPath], { SLUICE_CALLED_AS: "capture-host" });
    expect((await scan()).stdout.split("\n")).toEqual([
      "Scanning for request hosts...",
      expect.stringMatching(/^VPS Main Domain: /),
      expect.stringMatching(/^VPS IP Address: /),
      "Captured new host: www.logged.example (Header-Host) from IP: 203.0.113.9",
      "Host capture complete!",
      "",
    ]);
    expect((await scan()).stdout).not.toContain("Captured new host");
    expect(await hostsCommand(stage)("scan")).toEqual([]);
    expect((await stage.log.lines()).map(({ host }) => host)).toEqual(["www.logged.example"]);
  });

  test("status and watch say so where no capture runs, and a second capture does not start", async () => {
    await using stage = await openCaptureStage();
    for (const word of ["status", "watch"]) {
      const { status, stderr } = await stage.sluice.run("hosts", word);
      expect([status, stderr], word).toEqual([4, expect.stringMatching(/^sluice: Cannot connect to /)]);
    }
    const first = await stage.start();
    const second = spawnCapture(stage.sluice, { namespace: stage.server.name });
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toMatch(/^sluice: Cannot capture: another capture does, process \d+$/m);
    expect((await first.status()).pid).toBe(first.pid);
    const path = join(stage.sluice.directory, "run", "capture", "capture.sock");
    expect((await stat(path)).mode & 0o777).toBe(0o660);
  });

  test("on and off drive the unit", async () => {
    await using stage = await openCaptureStage();
    const folder = join(stage.folder, "bin");
    const record = join(stage.folder, "asked");
    await mkdir(folder);
    await writeFile(join(folder, "systemctl"), `#!/bin/sh\necho "$@" >> '${record}'\n`);
    await chmod(join(folder, "systemctl"), 0o755);
    const path = { PATH: `${folder}:${process.env["PATH"]}` };
    const turn = (word: string) => runCli(["hosts", word, "--config", stage.sluice.settingsPath], path);
    expect(await turn("on")).toMatchObject({ status: 0, stdout: expect.stringContaining("is on") });
    expect(await turn("off")).toMatchObject({ status: 0, stdout: expect.stringContaining("is off") });
    expect(await readFile(record, "utf8")).toBe(
      "enable --now host-capture.service\ndisable --now host-capture.service\n",
    );
    await writeFile(join(folder, "systemctl"), "#!/bin/sh\necho no such unit >&2\nexit 5\n");
    const failed = await turn("on");
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/^sluice: Cannot enable host-capture\.service: .*no such unit/s);
  });
});

/** What a command says in JSON. @throws {Error} with what it said when it failed. */
function hostsCommand({ sluice }: CaptureStage) {
  return async (...words: readonly string[]): Promise<unknown> => {
    const { status, stdout, stderr } = await sluice.run("hosts", ...words, "--json");
    if (status !== 0) throw new Error(`Cannot run "hosts ${words.join(" ")}": ${stderr}`);
    return JSON.parse(stdout);
  };
}

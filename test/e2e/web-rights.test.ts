/** What the web's uid may have of a running daemon, and what it may not: everything else. */
import { execFile } from "node:child_process";
import { appendFile, chmod, copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebClient } from "../../src/control/web-client.ts";
import { parseJsonc } from "../../src/jsonc.ts";
import { needs } from "../support/requirements.ts";
import { type Daemon, makeSluice, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";
import type { Attempts } from "../support/web-hand.ts";

const missing = needs("root", "setpriv", "unshare", "mount", "nft");
/** Nobody's on this host: the daemon is shown a passwd and a group of its own. */
const WEB_ID = 64_731;
const OTHER_ID = 64_732;
const HAND = join(import.meta.dirname, "../support/web-hand.ts");
/**
 * Lays the first argument over /etc, and becomes what comes behind the second. Not over the
 * two files alone: whoever makes a user meanwhile, on the host, would take that away.
 */
const AMONG_OTHERS =
  'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1,workdir=$2" /etc && shift 2 && exec "$@"';

let sluice: Sluice;
let daemon: Daemon;

async function asUid(uid: number, gid: number, program: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    "setpriv",
    [
      ...[`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"],
      ...["--no-new-privs", "--", process.execPath, ...program],
    ],
    { timeout: 60_000 },
  );
  return stdout;
}

describe.skipIf(missing)(`the web's uid${missing}`, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    sluice = await makeSluice({ web: {}, hosts: {}, history: {} });
    const { directory, settingsPath } = sluice;
    await chmod(directory, 0o755);
    const [upper, work] = [join(directory, "etc"), join(directory, "work")];
    for (const path of [upper, work]) await mkdir(path);
    const [passwd, group] = [join(upper, "passwd"), join(upper, "group")];
    await copyFile("/etc/passwd", passwd);
    await copyFile("/etc/group", group);
    await appendFile(passwd, `sluice-web:x:${WEB_ID}:${WEB_ID}::/nonexistent:/usr/sbin/nologin\n`);
    await appendFile(group, `sluice-web:x:${WEB_ID}:\n`);
    await writeFile(join(directory, "password"), "secret", { mode: 0o600 });
    await writeFile(settingsPath, `// The operator's own words.\n${await readFile(settingsPath, "utf8")}`);
    await sluice.run("limit", "set", "alice", "2GiB", "--create");
    daemon = await sluice.start({
      through: ["unshare", "--mount", "--", "sh", "-c", AMONG_OTHERS, "sh", upper, work],
    });
  });
  afterAll(() => sluice[Symbol.asyncDispose]());

  test("may make the listed calls and nothing else, over its own socket", async () => {
    const arguments_ = [HAND, sluice.directory, String(daemon.pid), String(WEB_ID)];
    const attempts = JSON.parse(await asUid(WEB_ID, WEB_ID, arguments_)) as Attempts;
    const outcome = (wanted: string) =>
      Object.entries(attempts).flatMap(([name, { outcome, what }]) =>
        outcome === wanted ? [[name, what]] : [],
      );
    expect(outcome("done")).toEqual([
      ["status", '"enforce"'],
      ["listUsers", "1"],
      ["setLimit", String(1 << 30)],
      ["reset", "1"],
      ["setDisabled", '"disabled"'],
      ["watch", "1"],
      ["openvpnServers", "[]"],
      ["openvpnLogins", "[]"],
      ["openvpnKick", expect.stringContaining("OpenVPN is switched off")],
      ["sshLogins", "[]"],
      ["audit", ""],
      ["settings", expect.any(String)],
      ["findings", '["findings","totals"]'],
      ["changeSettings", '"[70]"'],
    ]);
    // For want of rights, and not of the things themselves.
    for (const [name, what] of outcome("refused")) {
      expect(what, name).toMatch(/EACCES|EPERM|not permitted|denied|UNIMPLEMENTED|REFUSED|CAP_NET_ADMIN/i);
    }
    expect(attempts["delete an account"]?.what).toContain("may_delete");

    // What it changed stands in the operator's file, and is in force after the daemon has taken it over.
    const text = await readFile(sluice.settingsPath, "utf8");
    expect(text).toMatch(/^\/\/ The operator's own words\.\n/);
    expect(parseJsonc(text)).toMatchObject({ warn_percent: [70] });
    expect(await sluice.event("settings-changed")).toMatchObject({ by: "ann (web)" });
    await sluice.event("started", undefined, 2);
    expect(await sluice.event("disabled", "alice")).toMatchObject({ by: "ann (web)" });
    expect(await sluice.event("web-signed-in")).toMatchObject({ actor: "ann", address: "192.0.2.7" });
  });

  test("is the only one but root whom the socket lets in", async () => {
    const path = join(sluice.directory, "run", "web.sock");
    // It is root's alone for the moment before it is given away.
    const rights = async () => {
      const found = await stat(path).catch(() => undefined);
      return found && [found.mode & 0o777, found.uid, found.gid].join() === [0o660, 0, WEB_ID].join();
    };
    await until("the daemon listens, for root and the web's group", rights);
    const knock = `const socket = require("node:net").connect(${JSON.stringify(path)});
      socket.on("error", (error) => console.log(error.code)).on("close", () => console.log("closed"));`;
    // By the file's mode; and, of the web's group but not its uid, by the kernel's word.
    expect(await asUid(OTHER_ID, OTHER_ID, ["-e", knock])).toBe("EACCES\nclosed\n");
    expect(await asUid(OTHER_ID, WEB_ID, ["-e", knock])).toBe("closed\n");
    expect(daemon.stderr()).toContain(
      `Refused a connection to the web socket: uid ${OTHER_ID} may not use it`,
    );
    using web = new WebClient(path);
    expect(await web.settings()).toContainEqual(
      expect.objectContaining({ key: "warn_percent", value: "[70]", fallback: "[80,95]" }),
    );
  });
});

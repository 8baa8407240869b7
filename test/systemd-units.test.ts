/** The units as systemd reads them: nothing it complains of, no circle at boot, and little exposed. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtempDisposable, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { needs } from "./support/requirements.ts";

const missing = needs("systemd-analyze");
const PROJECT = fileURLToPath(new URL("../", import.meta.url));
/** Of 10, as `systemd-analyze security` has it: root's rules and logins, packets, Node's compiler cost what there is. */
const HIGHEST_EXPOSURE = {
  "bw-limit-check.service": 4.6,
  "host-capture.service": 2.2,
  "sluice-web.service": 2.0,
  "sluice-gates.service": 3.2,
};
const UNITS = Object.keys(HIGHEST_EXPOSURE);

describe.skipIf(missing)(`systemd${missing}`, () => {
  test("complains of none of the units", async () => {
    await using folder = await unitFolder();
    const paths = UNITS.map((unit) => join(folder.path, unit));
    expect(await analyze(["--man=no", "verify", ...paths], folder.path)).toBe("");
  });

  test.each(Object.entries(HIGHEST_EXPOSURE))("finds %s exposed by %d at most", async (unit, highest) => {
    await using folder = await unitFolder();
    const words = ["security", "--offline=true", "--no-pager", join(folder.path, unit)];
    const [, exposure] =
      /Overall exposure level for \S+: ([\d.]+)/.exec(await analyze(words, folder.path)) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(highest);
  });

  test("finds a way to boot: gates behind firewalls, before sshd, engines and OpenVPN, whatever socket ssh has", async () => {
    await using folder = await unitFolder();
    const { path } = folder;
    const service = "[Service]\nExecStart=/bin/true\n";
    const others = {
      "ssh.socket": "[Unit]\nBefore=ssh.service\n[Socket]\nListenStream=22\n",
      "ssh.service": service,
      "xray.service": `[Unit]\nAfter=network.target\n${service}`,
      "nginx.service": `[Unit]\nAfter=network.target\n${service}`,
      // As Debian's, which comes before logins too.
      "openvpn@one.service": `[Unit]\nBefore=systemd-user-sessions.service\nAfter=network-online.target\n${service}`,
      "dbus.socket": "[Socket]\nListenStream=/run/dbus/one\n",
      "dbus.service": service,
      "firewalld.service": `[Unit]\nBefore=network-pre.target\nAfter=dbus.socket\nRequires=dbus.socket\n${service}`,
      "ufw.service": `[Unit]\nDefaultDependencies=no\nBefore=network-pre.target\n${service}`,
      "multi-user.target": "[Unit]\nRequires=basic.target\nAfter=basic.target\n",
    };
    for (const [unit, text] of Object.entries(others)) await writeFile(join(path, unit), text);
    await mkdir(join(path, "openvpn@.service.d"));
    await cp(
      join(PROJECT, "systemd/openvpn@.service.d-sluice.conf"),
      join(path, "openvpn@.service.d/sluice.conf"),
    );
    for (const wants of ["multi-user.target.wants", "sockets.target.wants"]) await mkdir(join(path, wants));
    for (const unit of [...Object.keys(others), ...UNITS]) {
      const target = unit.endsWith(".socket") ? "sockets" : "multi-user";
      if (!unit.endsWith(".target"))
        await symlink(join(path, unit), join(path, `${target}.target.wants`, unit));
    }
    const said = await analyze(["--man=no", "verify", "multi-user.target"], path);
    expect(
      said.split("\n").filter((line) => /cycle|sluice|bw-limit|host-capture|openvpn/.test(line)),
    ).toEqual([]);
  });

  test("has a reason for every line that takes a right away", async () => {
    for (const unit of UNITS) {
      const lines = (await readFile(join(PROJECT, "systemd", unit), "utf8")).split("\n");
      const bare = lines.filter((line, index) => {
        if (
          !/^(Protect|Private|Restrict|SystemCall|Capability|Ambient|NoNew|Lock|IPAddress|Memory|Tasks|CPU)/.test(
            line,
          )
        )
          return false;
        // One comment may stand for the lines right below it.
        let above = index - 1;
        while (/^\w+=/.test(lines[above] ?? "")) above -= 1;
        return !lines[above]?.startsWith("#");
      });
      expect({ unit, bare }).toEqual({ unit, bare: [] });
    }
  });
});

/** The units with the paths of this checkout in them. */
async function unitFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-units-"));
  for (const unit of UNITS) {
    const text = await readFile(join(PROJECT, "systemd", unit), "utf8");
    const here = text.replaceAll("/usr/bin/node", process.execPath).replaceAll("/opt/sluice/", PROJECT);
    await writeFile(join(folder.path, unit), here);
  }
  return folder;
}

/** @returns all it says. */
async function analyze(words: readonly string[], path: string): Promise<string> {
  const options = { timeout: 30_000, env: { ...process.env, SYSTEMD_UNIT_PATH: `${path}:` } };
  const told = promisify(execFile)("systemd-analyze", [...words], options);
  const { stdout, stderr } = await told.catch((error: { stdout: string; stderr: string }) => error);
  return `${stdout}${stderr}`;
}

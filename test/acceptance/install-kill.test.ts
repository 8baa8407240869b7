/** An installation that is killed half-way, of which the next one makes a whole, or nothing. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { contentsOf, install, type Package, packProject } from "../support/package.ts";
import { needs } from "../support/requirements.ts";

const missing = needs("root", "npm", "tar", "strace");
/** What stood there before: services and commands of shell scripts, and somebody's checkout. */
const BEFORE = {
  "/etc/systemd/system/bw-limit-check.service": "[Service]\nExecStart=/usr/bin/loop\n",
  "/etc/systemd/system/capture-host.service": "[Service]\nExecStart=/usr/bin/capture-host-daemon\n",
  "/usr/bin/cek-bw-limit": "#!/bin/sh\necho old\n",
  "/opt/sluice/README.md": "somebody's checkout\n",
};

test.skipIf(missing)(`an installation goes on from one that was killed${missing}`, async () => {
  await using made = await packProject();
  for (const [when, nth] of [
    ["between the two renames of the program", 3],
    ["among the files", 12],
  ] as const) {
    const root = await rootWith(made, BEFORE);
    const before = contentsOf(root);
    const installing = (...words: readonly string[]) =>
      install(made, made.folder, ["--yes", "--root", root, ...words]);

    const inject = ["-e", "trace=rename", "-e", `inject=rename:signal=SIGKILL:when=${nth}`];
    const node = join(made.directory, "bin/node");
    const words = ["dist/cli.js", "install", "--node", node, "--yes", "--root", root];
    const killed = promisify(execFile)(
      "strace",
      ["-f", "-qq", "-o", "/dev/null", ...inject, process.execPath, ...words],
      { cwd: made.folder, env: { ...process.env, UV_THREADPOOL_SIZE: "1" } }, // strace counts by thread
    );
    await expect(killed, when).rejects.toMatchObject({ signal: "SIGKILL" });
    expect(await installing(), when).toMatchObject({ status: 0, stderr: "" });
    expect((await installing()).stdout).toMatch(/all is as it should be/);
    expect((await installing("--uninstall", "--purge")).status).toBe(0);
    expect(contentsOf(root), when).toEqual(before);
  }
});

async function rootWith(made: Package, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(made.directory, "root-"));
  await chmod(root, 0o755);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode: path.includes("/bin/") ? 0o755 : 0o644 });
  }
  return root;
}

/** The capture as its unit runs it: a user of its own with CAP_NET_RAW alone, beside an enforcer that is root. */
import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  mkdir,
  mkdtempDisposable,
  readFile,
  readlink,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { captureUser } from "../../src/capture-user.ts";
import { execute } from "../support/namespaces.ts";
import { CLIENT, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { CAPTURE_NEEDS, openCaptureStage, pitch, requestFor } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx", "setpriv", "useradd", "userdel");
const noAnalyze = needs("systemd-analyze");
const UNIT = new URL("../../systemd/host-capture.service", import.meta.url);

test.skipIf(missing)(`a capture with CAP_NET_RAW alone does all its work${missing}`, async () => {
  await using user = await openCaptureUser();
  await using stage = await openCaptureStage();
  await stage.serve("server", 'server { listen 80; return 200 ""; }', [80]);
  const { directory } = stage.sluice;
  const folders = [directory, join(directory, "run"), join(directory, "run", "capture")];
  for (const folder of folders) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
  await chown(join(directory, "run", "capture"), user.uid, user.gid);
  await chmod(stage.sluice.settingsPath, 0o644);
  const enforcer = await stage.sluice.start({ namespace: stage.server.name });
  expect((await stage.sluice.run("hosts", "link")).status).toBe(0);
  expect(await readlink(join(directory, "state", "hosts.log"))).toBe(stage.log.path);

  const capture = await stage.start({
    through: [
      ...["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", "--no-new-privs"],
      ...["--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"],
    ],
  });
  const status = await readFile(`/proc/${capture.pid}/status`, "utf8");
  expect(status).toMatch(/^CapEff:\t0000000000002000$/m); // bit 13
  expect(status).toMatch(new RegExp(`^Uid:\t${user.uid}\t`, "m"));
  await pitch(stage.client, { address: SERVER, port: 80 }, [requestFor("www.seen.example")]);
  expect(await stage.log.line("www.seen.example")).toMatchObject({ service: "Header-Host", source: CLIENT });
  await until("the enforcer answers it", async () => (await capture.status()).enforcer);
  expect((await stage.sluice.run("hosts", "add", "by.hand.example")).status).toBe(0);
  const { uid, mode } = await stat(stage.log.path);
  expect([uid, mode & 0o777]).toEqual([user.uid, 0o644]);
  expect(await capture.stop()).toBe(0);
  expect(capture.stderr()).not.toMatch(/^<[0-4]>/m);
  await enforcer.stop();
});

describe.skipIf(noAnalyze)(`host-capture.service${noAnalyze}`, () => {
  test("holds nothing that systemd does not know", async () => {
    expect(await analyze("verify")).toBe("");
  });

  test("is exposed little", async () => {
    const text = await analyze("security", "--offline=true", "--no-pager");
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(text) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(HIGHEST_EXPOSURE);
  });
});

/** Of 10; packet sockets, the journal and Node's compiler cost what there is. */
const HIGHEST_EXPOSURE = 3.5;

/** @returns all it says of the unit, its program put where one is. */
async function analyze(...words: readonly string[]): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-units-"));
  const path = join(folder.path, "host-capture.service");
  const text = await readFile(UNIT, "utf8");
  await writeFile(path, text.replaceAll("/usr/bin/node", process.execPath));
  const options = { timeout: 30_000 };
  const told = promisify(execFile)("systemd-analyze", [...words, path], options);
  const { stdout, stderr } = await told.catch((error: { stdout: string; stderr: string }) => error);
  return `${stdout}${stderr}`
    .split("\n")
    .filter((line) => line.includes("capture"))
    .join("\n");
}

/** The user of the unit; made if there is none, and gone again then. */
async function openCaptureUser(): Promise<AsyncDisposable & { readonly uid: number; readonly gid: number }> {
  const there = captureUser();
  if (there) return { ...there, [Symbol.asyncDispose]: async () => undefined };
  await execute("useradd", [
    "--system",
    "--no-create-home",
    "--shell",
    "/usr/sbin/nologin",
    "sluice-capture",
  ]);
  const made = captureUser();
  if (!made) throw new Error("Cannot find the user sluice-capture: useradd has just made it");
  return { ...made, [Symbol.asyncDispose]: async () => void (await execute("userdel", ["sluice-capture"])) };
}

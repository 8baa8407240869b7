/** The capture as its unit runs it: a user of its own with CAP_NET_RAW alone, beside an enforcer that is root. */
import { chmod, chown, lstat, mkdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { captureUser } from "../../src/capture-user.ts";
import { RefusedRequestError } from "../../src/errors.ts";
import { CaptureClient } from "../../src/hosts/capture-client.ts";
import { findEngines } from "../support/engines.ts";
import { execute } from "../support/namespaces.ts";
import { CLIENT, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { engineSettings, openClient, startServer } from "./capture-engine.ts";
import { CAPTURE_NEEDS, type CaptureStage, openCaptureStage, pitch, requestFor } from "./capture-stage.ts";

const NOBODY = 65_534;
const missing = needs(...CAPTURE_NEEDS, "nginx", "setpriv", "useradd", "userdel");
const [program] = findEngines();
const noEngine = needs("curl", "openssl") || (program ? "" : " (needs: xray)");

test.skipIf(missing)(`a capture with CAP_NET_RAW alone does all its work${missing}`, async () => {
  await using user = await openCaptureUser();
  await using stage = await openCaptureStage({ settings: { web: {} } });
  await stage.serve("server", 'server { listen 80; return 200 ""; }', [80]);
  await handOver(stage, user);
  const enforcer = await stage.sluice.start({ namespace: stage.server.name });
  const link = join(stage.sluice.directory, "state", "hosts.log");
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19).replace("T", " ");
  await writeFile(link, `old.example|SNI|N/A|${yesterday}\n`);
  expect((await stage.sluice.run("hosts", "link")).status).toBe(0);
  expect(await readlink(link)).toBe(stage.log.path);

  const capture = await stage.start({ through: as(user) });
  const status = await readFile(`/proc/${capture.pid}/status`, "utf8");
  expect(status).toMatch(/^CapEff:\t0000000000002000$/m); // bit 13
  expect(status).toMatch(new RegExp(`^Uid:\t${user.uid}\t`, "m"));
  await pitch(stage.client, { address: SERVER, port: 80 }, [requestFor("www.seen.example")]);
  expect(await stage.log.line("www.seen.example")).toMatchObject({ service: "Header-Host", source: CLIENT });
  await until("the enforcer answers it", async () => (await capture.status()).enforcer);
  expect((await stage.sluice.run("hosts", "add", "by.hand.example")).status).toBe(0);
  await execute("sed", ["-i", "/^old/d", link]);
  await until("the enforcer has put the link back", async () => (await lstat(link)).isSymbolicLink(), 10_000);
  await until("the host is gone", async () => !(await stage.log.text()).includes("old.example"));
  const web = join(stage.sluice.directory, "run", "capture", "web.sock");
  expect((await new CaptureClient(web).status()).pid).toBe(capture.pid);
  await expect(new CaptureClient(web).clear()).rejects.toThrow(RefusedRequestError);
  // Everybody may knock there; whoever is not the web is shown out, by the kernel's word for who he is.
  const knock = `require("node:net").connect(${JSON.stringify(web)}).on("close", () => console.log("closed"))`;
  const [setpriv = "", ...words] = as({ uid: NOBODY, gid: NOBODY });
  expect(await execute(setpriv, [...words, process.execPath, "-e", knock])).toBe("closed\n");
  const { uid, mode } = await stat(stage.log.path);
  expect([uid, mode & 0o777]).toEqual([user.uid, 0o644]);
  expect(await capture.stop()).toBe(0);
  expect(capture.stderr()).not.toMatch(/^<[0-4]>/m);
  await enforcer.stop();
});

describe.skipIf(missing || noEngine)(`a capture beside what only root may read${missing || noEngine}`, () => {
  test.each([
    ["the access log", 0o644, "VLESS", /access\.log \(through the enforcer\)$/, ""],
    ["the engine's config", 0o600, "XRAY", /config\.json$/, expect.stringContaining("EACCES")],
  ] as const)(
    "learns of lines from the enforcer where it is %s",
    async (_, configMode, service, name, trouble) => {
      if (!program) throw new Error("Cannot find an engine");
      await using user = await openCaptureUser();
      await using stage = await openCaptureStage({ settings: engineSettings });
      await using _server = await startServer(stage, program);
      await handOver(stage, user);
      await chmod(join(stage.folder, "access.log"), 0o600);
      await chmod(join(stage.folder, "config.json"), configMode);
      await chmod(stage.folder, 0o755);
      await using _enforcer = await stage.sluice.start({ namespace: stage.server.name });
      expect((await stage.sluice.run("hosts", "link")).status).toBe(0);
      const capture = await stage.start({ through: as(user) });
      await until("the enforcer answers it", async () => (await capture.status()).enforcer);
      const [, told] = (await capture.status()).taps;
      expect(told).toEqual({ name: expect.stringMatching(name), trouble, taken: 0, dropped: 0 });
      await using client = await openClient(stage, program, "vless");
      await client.fetch("http://www.handed.example/");
      expect(await stage.log.line("www.handed.example")).toMatchObject({ service, source: CLIENT });
    },
  );
});

type User = NonNullable<ReturnType<typeof captureUser>>;

/** The folders that systemd makes, and the settings, as they are on a host. */
async function handOver({ sluice }: CaptureStage, { uid, gid }: User): Promise<void> {
  const socketFolder = join(sluice.directory, "run", "capture");
  await mkdir(socketFolder, { recursive: true });
  await chown(socketFolder, uid, gid);
  for (const folder of [sluice.directory, dirname(socketFolder)]) await chmod(folder, 0o755);
  await chmod(socketFolder, 0o751);
  await chmod(sluice.settingsPath, 0o644);
}

/** The words that run a program as the unit does. */
function as({ uid, gid }: User): string[] {
  const capabilities = ["inh-caps", "ambient-caps", "bounding-set"].map((set) => `--${set}=-all,+net_raw`);
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs", ...capabilities];
}

/** The user of the unit; made if there is none, and gone again then. */
async function openCaptureUser(): Promise<AsyncDisposable & User> {
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

/** The hooks as a real OpenVPN server starts them: without root, and with no process to spare. */
import { execFileSync } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileNameOf, userName } from "../../src/names.ts";
import { openTestbed, type Testbed } from "../support/openvpn/testbed.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const HOOKS = fileURLToPath(new URL("../../scripts/openvpn/", import.meta.url));
const HOSTILE = `../../Jürgen "$(touch x)", a,b\\'/%2e`;
/** A user of no other test's, so that his processes can be counted. */
const USER = "games";
const missing = needs("root", "openvpn", "prlimit", "setpriv");

describe.skipIf(missing)(`the hooks of a server without root${missing}`, () => {
  let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
  let bed: Testbed;

  beforeAll(async () => {
    folder = await mkdtempDisposable(join(tmpdir(), "sluice-hooks-"));
    const at = (name: string) => join(folder.path, name);
    await chmod(folder.path, 0o711);
    for (const name of ["denied", "spool", "said"]) await mkdir(at(name));
    for (const name of ["client-connect", "client-disconnect"]) await copyFile(join(HOOKS, name), at(name));
    await chmod(at("denied"), 0o711);
    execFileSync("chown", [USER, at("spool"), at("said")]);
    await script(at("verify"), "exit 0");
    // What the server says itself, beside what the hook notes of it.
    await script(
      at("disconnected"),
      `export -p >${at("said")}/$$\nexec ${at("client-disconnect")} ${at("spool")}`,
    );
    bed = await openTestbed({
      protocol: "tcp",
      connectHook: `${at("client-connect")} ${at("denied")} server refuse retry common_name`,
      disconnectHook: at("disconnected"),
      server: [
        `user ${USER}`,
        `group ${USER}`,
        "persist-key",
        "username-as-common-name",
        `auth-user-pass-verify ${at("verify")} via-file`,
      ],
      client: [`auth-user-pass ${at("%c.login")}`],
    });
    await writeFile(at("alice.login"), `${HOSTILE}\nsecret\n`);
    await writeFile(at("bob.login"), "bob\nsecret\n");
    await bed.run("up", "server");
    // The server and one hook, and nothing that the hook would start.
    const pid = (await readFile(join(bed.directory, "server.pid"), "utf8")).trim();
    const as = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
    execFileSync("setpriv", [...as, "prlimit", "--pid", pid, "--nproc=2:2"]);
  });

  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test("refuse who is denied, whatever his name, and let the other in", async () => {
    const denied = join(folder.path, "denied", fileNameOf(userName(HOSTILE)));
    await writeFile(denied, "", { mode: 0o600 });
    await bed.run("connect", "alice", "nowait");
    await until("the client is told", async () => (await bed.log("alice")).includes("AUTH_FAILED"));
    expect(await bed.log("server")).toContain(`${fileNameOf(userName(HOSTILE))} is denied`);
    await bed.run("connect", "bob");
  });

  test("note the server's own last figures to the byte", async () => {
    expect(await bed.traffic(1, "bob", "down")).toBe(true);
    await bed.run("disconnect", "bob");
    const notes = await until("both logins are noted", async () => {
      const all = await notesIn(join(folder.path, "spool"));
      return all.some((note) => note.get("common_name") === "bob") && all.length === 2 && all;
    });
    const said = await saidIn(join(folder.path, "said"));
    for (const note of notes) {
      const words = said.find((each) => each.get("common_name") === note.get("common_name"));
      for (const [key, value] of note)
        if (key !== "format") expect([key, value]).toEqual([key, words?.get(key) ?? ""]);
    }
    const bob = notes.find((note) => note.get("common_name") === "bob");
    expect(Number(bob?.get("bytes_sent"))).toBeGreaterThan(1 << 20);
    expect(new Set(notes.map((note) => note.get("username")))).toEqual(new Set([HOSTILE, "bob"]));
    expect(await bed.log("server")).not.toMatch(/fork|cannot write|sluice: client-disconnect/);
  });
});

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

type Figures = ReadonlyMap<string, string>;

/** Finished notes alone. */
async function notesIn(folder: string): Promise<Figures[]> {
  const texts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")),
  );
  return texts
    .filter((text) => text.endsWith("\nend\n"))
    .map(
      (text) => new Map([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value])),
    );
}

/** As `export -p` writes it: export key='value', a quote as '"'"'. */
async function saidIn(folder: string): Promise<Figures[]> {
  const texts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")),
  );
  return texts.map(
    (text) =>
      new Map(
        [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, key = "", value = ""]) => [
          key,
          value.replaceAll(`'"'"'`, "'"),
        ]),
      ),
  );
}

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdir, mkdtempDisposable, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { GONE, removeHome, whyHomeStays } from "../../../src/enforcement/ssh/home-removal.ts";
import { SYSTEM } from "../../../src/enforcement/ssh/system-paths.ts";
import { type Login, parsePasswd } from "../../../src/sources/ssh/logins.ts";
import { needs } from "../../support/requirements.ts";

const UID = process.geteuid?.() ?? 0;

/** /home, a tree of its own, with joe's home in it. */
async function homes() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-homes-"));
  const at = (path: string) => join(folder.path, path);
  await mkdir(at("home/joe/mail"), { recursive: true });
  await writeFile(at("mounts"), "22 1 254:0 / / rw - ext4 /dev/vda rw\n");
  return {
    at,
    /** With its slash: what is put behind it is not tidied up, as join() would. */
    root: `${folder.path}/`,
    why: (home: string, others: readonly Login[] = [], root = at("home")) =>
      whyHomeStays(loginWith("joe", home), [loginWith("joe", home), ...others], {
        ...SYSTEM,
        homes: root,
        mounts: at("mounts"),
      }),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

function loginWith(name: string, home: string): Login {
  const [login] = parsePasswd(`${name}:x:${UID}:1::${home}:/bin/false`);
  if (!login) throw new Error("no login");
  return login;
}

describe("whyHomeStays()", () => {
  test("has nothing against a folder of his below /home", async () => {
    await using it = await homes();
    expect(it.why(it.at("home/joe"))).toBeUndefined();
    await mkdir(it.at("home/clients/joe"), { recursive: true });
    expect(it.why(it.at("home/clients/joe"))).toBeUndefined();
  });

  test("tells one that is not there", async () => {
    await using it = await homes();
    expect(it.why(it.at("home/nobody"))).toBe(GONE);
    expect(it.why(it.at("home/nobody/joe"))).toBe(GONE);
    await writeFile(it.at("home/file"), "");
    expect(it.why(it.at("home/file/joe"))).toBe(GONE);
  });

  test.for([
    "",
    "/",
    "home",
    "home/",
    "home/joe/",
    "home//joe",
    "home/./joe",
    "home/joe/..",
    "home/../etc",
    "homes/joe",
  ])("leaves the home %j alone", async (home) => {
    await using it = await homes();
    await mkdir(it.at("homes/joe"), { recursive: true });
    await mkdir(it.at("etc"));
    expect(it.why(home.startsWith("h") ? `${it.root}${home}` : home)).toMatch(/is not below/);
  });

  test("leaves a link, what lies behind one, and a file alone", async () => {
    await using it = await homes();
    await mkdir(it.at("elsewhere/joe"), { recursive: true });
    await symlink(it.at("elsewhere/joe"), it.at("home/link"));
    await symlink(it.at("elsewhere"), it.at("home/far"));
    await writeFile(it.at("home/file"), "");
    expect(it.why(it.at("home/link"))).toContain("is no folder");
    expect(it.why(it.at("home/far/joe"))).toContain("is reached by a link");
    expect(it.why(it.at("home/file"))).toContain("is no folder");
  });

  test("takes /home itself for a link to another disk", async () => {
    await using it = await homes();
    await symlink(it.at("home"), it.at("linked"));
    expect(it.why(it.at("linked/joe"), [], it.at("linked"))).toBeUndefined();
    await writeFile(it.at("mounts"), `90 22 0:5 / ${it.at("home/joe/mail")} rw - tmpfs none rw\n`);
    expect(it.why(it.at("linked/joe"), [], it.at("linked"))).toContain("is mounted in it");
  });

  test.for([
    { where: "home/joe", stays: true },
    { where: "home/joe/mail", stays: true },
    { where: "home/joe/a\\040b\\303\\251", stays: true },
    { where: "home/joe2", stays: false },
    { where: "home", stays: false },
  ])("with something mounted on $where, stays: $stays", async ({ where, stays }) => {
    await using it = await homes();
    await writeFile(it.at("mounts"), `90 22 0:5 / ${it.root}${where} rw,relatime shared:1 - tmpfs none rw\n`);
    const why = it.why(it.at("home/joe"));
    if (stays)
      expect(why).toBe(`${it.at(where.replace("\\040", " ").replace("\\303\\251", "é"))} is mounted in it`);
    else expect(why).toBeUndefined();
  });

  test.for([
    { home: "home/joe", stays: true },
    { home: "home/joe/sub", stays: true },
    { home: "home/joe/", stays: true },
    { home: "home/joe2", stays: false },
    { home: "home", stays: false },
    { home: "", stays: false },
  ])("with another login at home in $home, stays: $stays", async ({ home, stays }) => {
    await using it = await homes();
    const why = it.why(it.at("home/joe"), [loginWith("amy", home === "" ? "" : `${it.root}${home}`)]);
    if (stays) expect(why).toContain("amy lives in");
    else expect(why).toBeUndefined();
  });

  const missing = needs("root");
  test.skipIf(missing)(`leaves a folder of somebody else alone${missing}`, async () => {
    await using it = await homes();
    await chown(it.at("home/joe"), 61_000, 61_000);
    expect(it.why(it.at("home/joe"))).toContain("belongs to uid 61000");
  });
});

describe("removeHome()", () => {
  test("removes links, not what they lead to, and names of all kinds", async () => {
    await using it = await homes();
    await mkdir(it.at("precious"));
    await writeFile(it.at("precious/file"), "");
    await symlink(it.at("precious"), it.at("home/joe/precious"));
    await symlink("/", it.at("home/joe/root"));
    await writeFile(it.at("home/joe/-rf"), "");
    await writeFile(it.at("home/joe/a\nb"), "");
    await removeHome(it.at("home/joe"));
    expect([existsSync(it.at("home/joe")), existsSync(it.at("precious/file"))]).toEqual([false, true]);
    await removeHome(it.at("home/joe"));
  });

  const missing = needs("root", "unshare", "mount");
  test.skipIf(missing)(`does not step onto a disk mounted meanwhile, and says so${missing}`, async () => {
    await using it = await homes();
    const mail = it.at("home/joe/mail");
    // In a mount namespace of its own: the disk is gone with the process.
    const script = `
      import { execFileSync } from "node:child_process";
      import { existsSync, writeFileSync } from "node:fs";
      import { removeHome } from ${JSON.stringify(join(import.meta.dirname, "../../../src/enforcement/ssh/home-removal.ts"))};
      execFileSync("mount", ["-t", "tmpfs", "none", ${JSON.stringify(mail)}]);
      writeFileSync(${JSON.stringify(join(mail, "letter"))}, "");
      const said = await removeHome(${JSON.stringify(it.at("home/joe"))}).then(() => "removed", (error) => error.message);
      console.log(existsSync(${JSON.stringify(join(mail, "letter"))}), said);`;
    const args = ["--mount", "--", process.execPath, "--input-type=module", "--eval", script];
    const said = execFileSync("unshare", args).toString();
    expect(said).toMatch(/^true /);
    expect(said).not.toContain("removed");
  });
});

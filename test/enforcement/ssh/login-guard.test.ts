import { execFileSync } from "node:child_process";
import { mkdir, mkdtempDisposable, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Databases, readDatabases, whyNotDelete } from "../../../src/enforcement/ssh/login-guard.ts";
import { SYSTEM } from "../../../src/enforcement/ssh/system-paths.ts";
import { parseGroups, parsePasswd } from "../../../src/sources/ssh/logins.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/root:/bin/false
www-data:x:33:33::/var/www:/usr/sbin/nologin
joe:x:1001:1001::/home/joe:/bin/false
joe2:x:1002:1002::/home/joe2:/usr/sbin/nologin
a.b:x:1003:1003::/home/a.b:/bin/true
axb:x:1004:1004::/home/axb:/bin/false
twin:x:1005:1005::/home/twin:/bin/false
other:x:1005:1005::/home/other:/bin/false
deploy:x:1006:1006::/home/deploy:/bin/false
whale:x:1007:1007::/home/whale:/bin/false
ubuntu:x:1008:27::/home/ubuntu:/bin/false
worker:x:1009:1009::/home/worker:/bin/bash
empty:x:1010:1010::/home/empty:
vip:x:1011:1011::/home/vip:/bin/false
--help:x:1012:1012::/home/help:/bin/false
../x:x:1013:1013::/home/x:/bin/false
double:x:1014:1014::/home/double:/bin/false
double:x:1015:1015::/home/double:/bin/false
tunnel:x:1016:1016::/home/tunnel:/usr/local/bin/tunnel-shell
60123456:x:1017:1017::/home/60123456:/usr/bin/nologin
sly:x:1018:1018::/home/sly:/home/sly/bin/false
below:x:999:1019::/home/below:/bin/false
lowest:x:1000:1020::/home/lowest:/bin/false
evil\u001b:x:1021:1021::/home/evil:/bin/false
`;
const GROUPS = `root:x:0:
sudo:x:27:amy
docker:x:998:whale
joe:x:1001:
vpn:x:2000:joe,joe2
`;
const STOCK: Databases = {
  logins: parsePasswd(PASSWD),
  groups: parseGroups(GROUPS),
  sudoers: ["root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\ndeploy ALL=(ALL) NOPASSWD: ALL\n"],
};
const RULES = { minUid: 1000, protected: ["vip"], shells: ["/usr/local/bin/tunnel-shell"] };

describe("whyNotDelete()", () => {
  test.for(["joe", "joe2", "a.b", "axb", "tunnel", "60123456", "lowest"])(
    "has nothing against %s",
    (name) => {
      expect(whyNotDelete(name, STOCK, RULES)).toBeUndefined();
    },
  );

  test.for([
    { name: "root", why: "root" },
    { name: "toor", why: "root" },
    { name: "www-data", why: "below 1000" },
    { name: "twin", why: "shares his uid with other" },
    { name: "other", why: "shares his uid with twin" },
    { name: "deploy", why: "sudoers" },
    { name: "whale", why: "group docker" },
    { name: "ubuntu", why: "group sudo" },
    { name: "worker", why: "interactive shell /bin/bash" },
    { name: "sly", why: "interactive shell /home/sly/bin/false" },
    { name: "below", why: "below 1000" },
    { name: "evil\u001b", why: "no such login" },
    { name: "empty", why: "interactive shell /bin/sh" },
    { name: "vip", why: "settings protect" },
    { name: "--help", why: "none that system tools" },
    { name: "../x", why: "none that system tools" },
    { name: "double", why: "twice" },
    { name: "stranger", why: "no such login" },
    { name: "", why: "no such login" },
    { name: "jo", why: "no such login" },
    { name: "joe ", why: "no such login" },
  ])("protects $name: $why", ({ name, why }) => {
    expect(whyNotDelete(name, STOCK, RULES)).toContain(why);
  });

  test("protects everybody when sudoers cannot be read", () => {
    const sudoers = new Error("EACCES: permission denied");
    expect(whyNotDelete("joe", { ...STOCK, sudoers }, RULES)).toContain("EACCES");
  });

  test("protects a member of any of an administrator's groups", () => {
    for (const group of ["root", "sudo", "wheel", "admin", "docker", "lxd", "libvirt"]) {
      const groups = parseGroups(`${group}:x:900:amy,joe\n`);
      expect(whyNotDelete("joe", { ...STOCK, groups }, RULES)).toContain(`group ${group}`);
    }
  });

  test("protects by a rule for a group he is in", () => {
    const sudoers = ["%vpn ALL=(root) /usr/bin/systemctl restart vpn\n"];
    expect(whyNotDelete("joe", { ...STOCK, sudoers }, RULES)).toContain("%vpn");
    expect(whyNotDelete("axb", { ...STOCK, sudoers }, RULES)).toBeUndefined();
  });
});

test("whyNotDelete() protects by a rule for his primary group, though /etc/group has none of that number", () => {
  const sudoers = ["%#1001 ALL=(ALL) ALL\n"];
  expect(whyNotDelete("joe", { ...STOCK, groups: [], sudoers }, RULES)).toContain("%#1001");
});

test("whyNotDelete() has something against every name that is not among the customers", () => {
  const customers = ["joe", "joe2", "a.b", "axb", "tunnel", "60123456", "lowest"];
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom(...STOCK.logins.map(({ name }) => name))), (name) => {
      expect(whyNotDelete(name, STOCK, RULES) === undefined).toBe(customers.includes(name));
    }),
  );
});

describe("readDatabases()", () => {
  async function etc(sudoers: string | undefined) {
    const folder = await mkdtempDisposable(join(tmpdir(), "sluice-guard-"));
    const at = (name: string) => join(folder.path, name);
    await writeFile(at("passwd"), PASSWD);
    await writeFile(at("group"), GROUPS);
    await mkdir(at("sudoers.d"));
    if (sudoers !== undefined) await writeFile(at("sudoers"), sudoers);
    return {
      at,
      why: (name: string) =>
        whyNotDelete(
          name,
          readDatabases({ ...SYSTEM, passwd: at("passwd"), group: at("group"), sudoers: at("sudoers") }),
          RULES,
        ),
      [Symbol.asyncDispose]: () => folder.remove(),
    };
  }

  test("follows includes, of files and folders, relative ones too", async () => {
    await using it = await etc("@includedir sudoers.d\n@include more\n");
    await writeFile(it.at("sudoers.d/90-cloud"), "joe ALL=(ALL) NOPASSWD:ALL\n");
    expect(it.why("axb")).toContain("ENOENT"); // "more" is not there: a doubt
    await writeFile(it.at("more"), "amy ALL=ALL\n");
    expect(it.why("joe")).toContain("sudoers");
    expect(it.why("axb")).toBeUndefined();
    await writeFile(it.at("more"), "axb ALL=ALL\n");
    expect(it.why("axb")).toContain("sudoers");
    expect(it.why("joe2")).toBeUndefined();
  });

  test("looks into files that sudo itself passes over", async () => {
    await using it = await etc("#includedir sudoers.d\n");
    await writeFile(it.at("sudoers.d/joe.bak"), "joe ALL=ALL\n");
    expect(it.why("joe")).toContain("sudoers");
  });

  test("protects everybody from a circle of includes", async () => {
    await using it = await etc("@include sudoers\n");
    expect(it.why("joe")).toContain("circle");
  });

  test("protects everybody from a folder that includes itself", async () => {
    await using it = await etc("@includedir sudoers.d\n");
    for (const name of ["a", "b", "c"]) await writeFile(it.at(`sudoers.d/${name}`), "@includedir .\n");
    expect(it.why("joe")).toContain("circle");
  });

  test("passes over folders and pipes among included files", async () => {
    await using it = await etc("@includedir sudoers.d\n");
    await mkdir(it.at("sudoers.d/old"));
    execFileSync("mkfifo", [it.at("sudoers.d/pipe")]);
    expect(it.why("joe")).toBeUndefined();
  });

  test("protects everybody from an included link that leads nowhere", async () => {
    await using it = await etc("@includedir sudoers.d\n");
    await symlink(it.at("nowhere"), it.at("sudoers.d/link"));
    expect(it.why("joe")).toContain("ENOENT");
  });

  test("needs no sudo", async () => {
    await using it = await etc(undefined);
    expect(it.why("joe")).toBeUndefined();
    await rm(it.at("sudoers.d"), { recursive: true });
    await symlink(it.at("nowhere"), it.at("sudoers"));
    expect(it.why("joe")).toBeUndefined();
  });
});

/** `admin`, `token` and `web cert`: what they write, for whom, and what they refuse. */
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtempDisposable, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { program } from "../../../src/faces/cli/program.ts";
import { Admins } from "../../../src/faces/web/auth/admins.ts";
import { isPassword } from "../../../src/faces/web/auth/password-hash.ts";
import { Tokens } from "../../../src/faces/web/auth/tokens.ts";
import { WEB } from "../../../src/faces/web/auth/web-schema.ts";
import { readCertificate } from "../../../src/faces/web/http/tls-files.ts";
import { Db } from "../../../src/sqlite.ts";
import { needs } from "../../support/requirements.ts";
import { CLI } from "../../support/sluice.ts";

const NOBODY = 65_534;

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let config: string;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "sluice-admins-"));
  config = join(folder.path, "sluice.json");
  await writeFile(config, JSON.stringify({ data_directory: join(folder.path, "data") }));
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** What the command says. */
async function say(...words: readonly string[]): Promise<string> {
  const said: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    await program().parseAsync([...words, "--config", config], { from: "user" });
  } finally {
    vi.restoreAllMocks();
  }
  return said.join("");
}

function kept<Result>(read: (stores: { admins: Admins; tokens: Tokens }) => Result): Result {
  using db = Db.openToWrite(join(folder.path, "data-web/web.db"), WEB);
  return read({ admins: new Admins(db), tokens: new Tokens(db) });
}

test("admin add makes the first, whose password is kept as scrypt's text alone", async () => {
  const said = await say("admin", "add", "root@example.com", "--generate");
  const [, password = ""] = /said this once: ([\w-]{20})\n$/.exec(said) ?? [];
  const admin = kept(({ admins }) => admins.find("root@example.com"));
  expect(admin).toMatchObject({
    role: "admin",
    password: expect.stringMatching(/^\$scrypt\$ln=15,r=8,p=3\$/),
  });
  expect(await isPassword(admin?.password, password)).toBe(true);
  const { mode } = await stat(join(folder.path, "data-web/web.db"));
  expect(mode & 0o777).toBe(0o600);
  expect((await stat(join(folder.path, "data-web"))).mode & 0o777).toBe(0o700);
  expect(JSON.parse(await say("admin", "list", "--json"))).toEqual([
    { name: "root@example.com", role: "admin", createdAt: expect.any(Number) },
  ]);
});

test.for([
  {
    name: "a name that is taken",
    words: ["admin", "add", "root@example.com", "--generate"],
    why: /one of that name/,
  },
  { name: "a name with a space", words: ["admin", "add", "a b", "--generate"], why: /expected 1 to 64 of/ },
  {
    name: "an unknown role",
    words: ["admin", "add", "x", "--generate", "--role", "god"],
    why: /Allowed choices/,
  },
  {
    name: "nobody's password",
    words: ["admin", "password", "nobody", "--generate"],
    why: /known are "root@/,
  },
  { name: "nobody's role", words: ["admin", "role", "nobody", "viewer"], why: /known are "root@/ },
  { name: "nobody's end", words: ["admin", "remove", "nobody"], why: /known are "root@/ },
  { name: "a token of no scope", words: ["token", "add", "x"], why: /--scope/ },
  {
    name: "a token of an unknown scope",
    words: ["token", "add", "x", "--scope", "admin"],
    why: /Allowed choices/,
  },
  { name: "the end of no token", words: ["token", "revoke", "9"], why: /none of that number/ },
  { name: "the end of what is no number", words: ["token", "revoke", "x"], why: /expected its number/ },
  {
    name: "a certificate for what is no name",
    words: ["web", "cert", "--host", "x,DNS:evil.example"],
    why: /expected a host's name or address/,
  },
])("$name is refused", async ({ words, why }) => {
  await expect(say(...words)).rejects.toThrow(why);
});

test("admin role and admin remove change who may sign in", async () => {
  await say("admin", "role", "root@example.com", "viewer");
  expect(kept(({ admins }) => admins.find("root@example.com")?.role)).toBe("viewer");
  await say("admin", "remove", "root@example.com");
  expect(kept(({ admins }) => admins.isEmpty())).toBe(true);
});

test("token add says a token that opens, token revoke ends it", async () => {
  const made = JSON.parse(await say("token", "add", "prometheus", "--scope", "metrics", "--json")) as {
    token: string;
    row: { id: number };
  };
  expect(kept(({ tokens }) => tokens.find(made.token, 0))).toMatchObject({ scopes: ["metrics"] });
  expect(await readFile(join(folder.path, "data-web/web.db"), "latin1")).not.toContain(made.token.slice(4));
  await say("token", "revoke", String(made.row.id));
  expect(kept(({ tokens }) => tokens.list())).toEqual([]);
});

const noOpenssl = needs("openssl");

test.skipIf(noOpenssl)(
  `web cert makes what the server takes, and replaces it only if told${noOpenssl}`,
  async () => {
    const words = ["web", "cert", "--host", "panel.example.com", "2001:db8::1", "--json"];
    const made = JSON.parse(await say(...words)) as { cert: string; key: string };
    expect((await readCertificate(made)).key).toContain("PRIVATE KEY");
    expect((await stat(made.key)).mode & 0o777).toBe(0o600);
    await expect(say(...words)).rejects.toThrow(/--yes replaces it/);
    const before = await readFile(made.cert, "utf8");
    await say(...words, "--yes");
    expect(await readFile(made.cert, "utf8")).not.toBe(before);
  },
);

const notRoot = needs("root");

test.skipIf(notRoot)(
  `root touches the web's files as their owner, who cannot lead him astray${notRoot}`,
  async () => {
    await chmod(folder.path, 0o755);
    const data = join(folder.path, "owned-web");
    await mkdir(data, { mode: 0o700 });
    await chown(data, NOBODY, NOBODY);
    const own = join(folder.path, "owned.json");
    await writeFile(own, JSON.stringify({ data_directory: join(folder.path, "owned") }));
    const { status, stderr } = spawnSync(process.execPath, [CLI, "token", "list", "--config", own], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(await stat(join(data, "web.db"))).toMatchObject({ uid: NOBODY, gid: NOBODY });
  },
);

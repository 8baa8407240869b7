/** The hooks under the shells that /bin/sh may be, without a server. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { fileNameOf, userName } from "../../../src/names.ts";
import { needs } from "../../support/requirements.ts";

const HOOKS = fileURLToPath(new URL("../../../scripts/openvpn/", import.meta.url));
const SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "ash"]];
/** What the server adds itself. */
const CONFIG = "/tmp/openvpn_cc_1.tmp";
const NAMES = [
  ...[
    "alice",
    "a.b-c_d@e",
    ".hidden",
    "..",
    "...",
    ".",
    "-n",
    "a b",
    " a ",
    "a,b",
    "100%",
    "%41lice",
    "*",
    "?",
  ],
  ...[
    "[a]",
    "../../etc/passwd",
    "/",
    "//a",
    "$(touch x)",
    "`id`",
    '"',
    "'",
    "\\",
    "a\\nb",
    "a\\",
    "~root",
    "#",
    "!",
  ],
  ...[
    "Jürgen",
    "علی",
    "用户",
    "😀",
    "ā\u0081\u0088",
    "\u0080",
    "ÿ",
    "é".repeat(33),
    "a;b&c|d>e<f",
    "{a,b}",
    "x=y",
  ],
];

describe.each(SHELLS.map((words) => ({ shell: words.join(" "), words })))(
  "client-connect under $shell",
  (shell) => {
    const missing = needs(shell.words[0] ?? "");
    const connect = (denied: string, name: string, words = ["server", "allow", "retry", "common_name"]) =>
      run([...shell.words, join(HOOKS, "client-connect"), denied, ...words, CONFIG], { common_name: name });

    test.skipIf(missing)(`finds a name as fileNameOf() writes it, and no other${missing}`, async () => {
      await using folder = await scratch();
      const names = [...NAMES, ...randomNames(40)];
      const wrong = await Promise.all(
        names.map(async (name, index) => {
          const denied = join(folder.path, String(index));
          await mkdir(denied);
          const before = await connect(denied, name);
          await writeFile(join(denied, fileNameOf(userName(name))), "");
          const after = await connect(denied, name);
          return before.status === 0 && after.status === 1 ? [] : [{ name, before, after }];
        }),
      );
      expect(wrong.flat()).toEqual([]);
    });

    test.skipIf(missing)(`goes by the name he signed in with if it is told to${missing}`, async () => {
      await using folder = await scratch();
      await writeFile(join(folder.path, "bob"), "");
      const hook = [...shell.words, join(HOOKS, "client-connect"), folder.path, "server", "allow", "retry"];
      const environment = { common_name: "alice", username: "bob" };
      expect((await run([...hook, "username"], environment)).status).toBe(1);
      expect((await run([...hook, "common_name"], environment)).status).toBe(0);
      expect((await run([...hook, "username"], { common_name: "bob" })).status).toBe(0);
    });

    test.skipIf(missing)(`opens or shuts without a list, as it is told${missing}`, async () => {
      const gone = join(tmpdir(), "sluice-no-such-folder");
      for (const name of ["alice", "é"]) {
        expect((await connect(gone, name)).status).toBe(0);
        const refused = await connect(gone, name, ["server", "refuse", "retry", "common_name"]);
        expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(gone) });
      }
    });

    test.skipIf(missing)(
      `lets a denied user in to wait only while somebody minds the gate${missing}`,
      async () => {
        await using folder = await scratch();
        const waits = async (
          waiting: string | undefined,
          words = ["server", "allow", "wait", "common_name"],
        ) => {
          const path = join(folder.path, ".waiting-server");
          await (waiting === undefined ? rm(path, { force: true }) : writeFile(path, waiting));
          return (await connect(folder.path, "alice", words)).status;
        };
        expect(await waits(undefined)).toBe(0);
        await writeFile(join(folder.path, "alice"), "");
        expect(await waits(undefined)).toBe(1);
        expect(await waits(`${process.pid}\n`)).toBe(0);
        expect(await waits(`${process.pid}`)).toBe(0);
        expect(await waits(`${process.pid}\n`, ["other", "allow", "wait", "common_name"])).toBe(1);
        expect(await waits(`${process.pid}\n`, ["server", "allow", "retry", "common_name"])).toBe(1);
        for (const nobody of ["4194305\n", "", "\n", "../1\n", "self\n", "-1\n"])
          expect(await waits(nobody)).toBe(1);
      },
    );

    test.skipIf(missing)(`lets nobody in and says why when it is called wrongly${missing}`, async () => {
      const few = await connect("/run", "alice", ["server"]);
      expect(few).toMatchObject({ status: 2, stderr: expect.stringContaining("expected 5 words, got 3") });
      const odd = await connect("/run", "alice", ["server", "allow", "retry", "cn"]);
      expect(odd).toMatchObject({ status: 2, stderr: expect.stringContaining("got cn") });
    });
  },
);

describe.each(SHELLS.map((words) => ({ shell: words.join(" "), words })))(
  "client-disconnect under $shell",
  (shell) => {
    const missing = needs(shell.words[0] ?? "");
    const disconnect = (spool: string, environment: Record<string, string>) =>
      run([...shell.words, join(HOOKS, "client-disconnect"), spool], environment);
    const figures = {
      ...{ time_unix: "1795221718", time_duration: "42", bytes_received: "5300000000", bytes_sent: "9" },
      ...{
        trusted_ip: "10.97.1.2",
        trusted_port: "44023",
        daemon_pid: "1435",
        ifconfig_pool_remote_ip: "10.98.0.2",
      },
    };

    test.skipIf(missing)(`notes the figures word for word, whatever the name is${missing}`, async () => {
      await using folder = await scratch();
      const wrong = await Promise.all(
        NAMES.map(async (name, index) => {
          const spool = join(folder.path, String(index));
          await mkdir(spool);
          await disconnect(spool, { ...figures, common_name: name, username: name });
          const text = await onlyFile(spool);
          return text === noteOf(name) ? [] : [{ name, text }];
        }),
      );
      expect(wrong.flat()).toEqual([]);
    });

    test.skipIf(missing)(
      `gives each login a file of its own that only its owner reads${missing}`,
      async () => {
        await using folder = await scratch();
        await Promise.all([1, 2, 3].map(() => disconnect(folder.path, { ...figures, common_name: "alice" })));
        const names = await readdir(folder.path);
        expect(names).toHaveLength(3);
        for (const name of names) expect(name).toMatch(/^1795221718\.1435\.\d+\.44023$/);
        const { status } = spawnSync("find", [
          folder.path,
          "-type",
          "f",
          "!",
          "-perm",
          "600",
          "-exec",
          "false",
          "{}",
          "+",
        ]);
        expect(status).toBe(0);
      },
    );

    test.skipIf(missing).each([
      { why: "a folder that is gone", spool: "/nowhere/at/all", extra: {} },
      { why: "a name of two lines", spool: undefined, extra: { common_name: "a\nbytes_sent=0" } },
      { why: "a port that is a path", spool: undefined, extra: { trusted_port: "../9" } },
      { why: "no time", spool: undefined, extra: { time_unix: "" } },
    ])(`notes nothing, says so in a line and goes on with $why${missing}`, async ({ spool, extra }) => {
      await using folder = await scratch();
      const said = await disconnect(spool ?? folder.path, { ...figures, common_name: "alice", ...extra });
      expect(said).toMatchObject({ status: 0, stdout: "" });
      expect(said.stderr).toMatch(/^sluice: client-disconnect: .+ may not be counted\n$/);
      expect(await readdir(folder.path)).toEqual([]);
    });

    test.skipIf(missing)(
      `leaves no finished note on a full disk, and the server alone${missing}`,
      async () => {
        await using folder = await scratch();
        // A file size limit of 0 stands in for the disk: the write itself fails.
        const words = ["sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "sh", ...shell.words];
        const said = await run([...words, join(HOOKS, "client-disconnect"), folder.path], figures);
        expect(said).toMatchObject({
          status: 0,
          stderr: expect.stringMatching(/^sluice: [^\n]*cannot write[^\n]*\n$/),
        });
        expect(await onlyFile(folder.path)).toBe("");
      },
    );
  },
);

const missingTools = needs("strace", "dash", "bash", "busybox");
test.skipIf(missingTools)(
  `start no program and make no process, whatever the name is${missingTools}`,
  async () => {
    await using folder = await scratch();
    const environment = {
      ...{ common_name: "../Jürgen $(id)", time_unix: "1", daemon_pid: "1", trusted_port: "1" },
    };
    for (const shell of SHELLS) {
      for (const hook of [
        ["client-connect", folder.path, "server", "allow", "wait", "common_name"],
        ["client-disconnect", folder.path],
      ]) {
        const [name = "", ...words] = hook;
        const command = ["strace", "-f", "-qq", "-e", "trace=execve,fork,vfork,clone,clone3", ...shell];
        const { status, stderr } = await run([...command, join(HOOKS, name), ...words], environment);
        const calls = stderr.split("\n").filter((line) => /\b(?:execve|v?fork|clone3?)\(/.test(line));
        expect({ shell, hook: name, status, calls: calls.length }).toEqual({
          shell,
          hook: name,
          status: 0,
          calls: 1,
        });
      }
    }
  },
);

function noteOf(name: string): string {
  return `format=1
time_unix=1795221718
time_duration=42
bytes_received=5300000000
bytes_sent=9
trusted_ip=10.97.1.2
trusted_port=44023
trusted_ip6=
ifconfig_pool_remote_ip=10.98.0.2
ifconfig_pool_remote_ip6=
username=${name}
common_name=${name}
end
`;
}

/** Of what a name may hold: any printable character. */
function randomNames(count: number): string[] {
  const letters = Array.from(` !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~aZ09éßжक\u0081\u0088中😀`);
  return Array.from({ length: count }, () =>
    Array.from(
      { length: 1 + Math.floor(Math.random() * 12) },
      () => letters[Math.floor(Math.random() * letters.length)],
    ).join(""),
  );
}

async function onlyFile(folder: string): Promise<string | undefined> {
  const [name, ...others] = await readdir(folder);
  return name === undefined || others.length > 0 ? undefined : readFile(join(folder, name), "utf8");
}

function scratch() {
  return mkdtempDisposable(join(tmpdir(), "sluice-hooks-"));
}

/** With the environment OpenVPN gives: its own variables and nothing else. */
function run(words: readonly string[], environment: Record<string, string>) {
  const [program = "", ...rest] = words;
  return new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env["PATH"], ...environment }, timeout: 10_000 };
    execFile(program, rest, options, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

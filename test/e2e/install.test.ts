/** The installer: what it puts where, what it leaves alone, what it puts back, and that a failure changes nothing. */
import { execFile } from "node:child_process";
import { appendFile, chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contentsOf, install, onHost, type Package, packProject, variantOf } from "../support/package.ts";
import { needs } from "../support/requirements.ts";

const missing = needs("root", "npm", "tar", "unshare", "chroot", "mount");
const noGpg = missing || needs("gpg", "gpgconf", "curl");
const STATE = fileURLToPath(new URL("../fixtures/state/usage", import.meta.url));
const UNITS = "/etc/systemd/system";
const WANTS = `${UNITS}/multi-user.target.wants`;

/** All that is installed beside the program: the folders that are made for it, the files, and the links. */
const FOLDERS = [
  ...["/etc", "/etc/logrotate.d", "/etc/myvpn", dirname(UNITS), UNITS, WANTS],
  ...["/etc/sysusers.d", "/etc/tmpfiles.d", "/opt", "/opt/sluice", "/usr", "/usr/local", "/usr/local/bin"],
  ...["/usr/local/share", "/usr/local/share/bash-completion", "/usr/local/share/bash-completion/completions"],
  ...["/usr/local/share/man", "/usr/local/share/man/man8", "/var", "/var/lib", "/var/lib/sluice", "/var/log"],
];
const CLOSED_FOLDERS = ["/etc/myvpn/usage", "/var/log/sluice"];
const FILES = {
  "/usr/local/bin/sluice": "0755",
  "/usr/local/bin/cek-bw-limit": "0755",
  "/usr/local/bin/capture-host": "0755",
  "/usr/local/bin/menu-captured-hosts": "0755",
  "/usr/local/bin/realtime-bandwidth": "0755",
  "/usr/local/bin/realtime-hosts": "0755",
  "/usr/local/bin/bw-tracking-lib": "0644",
  "/etc/systemd/system/bw-limit-check.service": "0644",
  "/etc/systemd/system/host-capture.service": "0644",
  "/etc/systemd/system/sluice-gates.service": "0644",
  "/etc/systemd/system/sluice-web.service": "0644",
  "/etc/sysusers.d/sluice.conf": "0644",
  "/etc/tmpfiles.d/sluice.conf": "0644",
  "/etc/logrotate.d/sluice": "0644",
  "/etc/myvpn/sluice.json": "0644",
  "/usr/local/share/bash-completion/completions/sluice": "0644",
  "/usr/local/share/man/man8/sluice.8": "0644",
  "/var/lib/sluice/installed.json": "0600",
};
const LINKS = {
  [`${WANTS}/bw-limit-check.service`]: "-> /etc/systemd/system/bw-limit-check.service",
  [`${WANTS}/sluice-gates.service`]: "-> /etc/systemd/system/sluice-gates.service",
};

let made: Package;
let counter = 0;
let installed: Promise<string> | undefined;
beforeAll(async () => {
  if (missing === "") made = await packProject();
}, 120_000);
afterAll(async () => made?.[Symbol.asyncDispose]());

/** An empty root, or one with some files in it, by path. */
async function newRoot(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const root = await mkdtemp(join(made.directory, `root-${counter++}-`));
  await chmod(root, 0o755);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode: path.includes("/bin/") ? 0o755 : 0o644 });
  }
  return root;
}

/** One that was installed into before, and is nobody else's. */
async function installedRoot(): Promise<string> {
  installed ??= newRoot().then(async (root) => {
    expect(await installTo(root)).toMatchObject({ status: 0, stderr: "" });
    return root;
  });
  const root = join(made.directory, `root-${counter++}`);
  await promisify(execFile)("cp", ["-a", "--reflink=auto", await installed, root]);
  return root;
}

function installTo(root: string, ...words: readonly string[]) {
  return install(made, made.folder, ["--yes", "--root", root, ...words]);
}

describe.skipIf(missing)(`install.sh${missing}`, () => {
  test("puts exactly the listed files there, with the listed modes", async () => {
    const root = await installedRoot();
    const found = Object.entries(contentsOf(root));
    const below = (path: string) => path.startsWith("/opt/sluice/");
    const listed = Object.fromEntries(
      found
        .filter(([path]) => !below(path))
        .map(([path, what]) => [path, what.replace(/ [0-9a-f]{16}$/, "")]),
    );
    expect(listed).toEqual({
      ...Object.fromEntries(FOLDERS.map((path) => [path, "0755 folder"])),
      ...Object.fromEntries(CLOSED_FOLDERS.map((path) => [path, "0750 folder"])),
      ...FILES,
      ...LINKS,
    });
    const program = found.filter(([path]) => below(path));
    const packed = Object.keys(contentsOf(made.folder));
    expect(program.map(([path]) => path.replace("/opt/sluice", "")).sort()).toEqual(packed.sort());
    expect(program.filter(([, what]) => !/^(0755 folder|0644 \w+|0755 \w+)$/.test(what))).toEqual([]);
  });

  test("ships what it needs of both processors, and nothing of the development's Node", async () => {
    const paths = Object.keys(contentsOf(made.folder));
    const binaries = paths.filter((path) => path.endsWith("/koffi.node") && path.includes("/linux_"));
    const folders = binaries.map((path) => path.split("/").at(-2));
    expect(new Set(folders)).toEqual(new Set(["linux_arm64", "linux_x64"]));
    expect(paths.filter((path) => /\/node-linux-|^\/(src|test)\//.test(path))).toEqual([]);
  });

  test("makes commands and units that run by their own absolute paths", async () => {
    const { stdout, stderr, status } = await onHost(
      await installedRoot(),
      `env -i /usr/local/bin/sluice --version
       env -i /usr/local/bin/sluice config check
       env -i /usr/local/bin/cek-bw-limit --help | head -n 1
       env -i $(sed -n 's/^ExecStart=//p' ${UNITS}/bw-limit-check.service) --help | head -n 1
       env -i $(sed -n 's/^ExecStartPre=+//p' ${UNITS}/host-capture.service) --help | head -n 1
       env -i bash -c '. /usr/local/bin/bw-tracking-lib; bytes_to_mb 1048576; get_user_bw_data nobody' 2>&1 || echo $?`,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      JSON.parse(await readFile(join(made.folder, "package.json"), "utf8")).version,
      expect.stringContaining("/etc/myvpn/sluice.json"),
      expect.stringContaining("cek-bw-limit"),
      expect.stringContaining("sluice enforce"),
      expect.stringContaining("sluice hosts link"),
      "1",
      "User nobody not found in bandwidth limit list",
      "3",
      "",
    ]);
  });

  test("changes nothing the second time, nor what its operator decided since", async () => {
    const root = await installedRoot();
    await writeFile(join(root, "/etc/myvpn/sluice.json"), '{ "mode": "enforce" }\n');
    await rm(join(root, WANTS, "sluice-gates.service"));
    await symlink(`${UNITS}/host-capture.service`, join(root, WANTS, "host-capture.service"));
    const before = contentsOf(root);
    expect((await installTo(root)).status).toBe(0);
    const after = contentsOf(root);
    expect({ ...after, "/var/lib/sluice/installed.json": "" }).toEqual({
      ...before,
      "/var/lib/sluice/installed.json": "",
    });
    const { stdout } = await installTo(root);
    expect(stdout).toMatch(/is installed, and all is as it should be\.$/m);
    expect(contentsOf(root)).toEqual(after);
  });

  test("takes a tarball, and a Node that came as one, checked by its sum", async () => {
    const root = await newRoot();
    const { file, folder } = await nodeTarball("good");
    const given = ["--yes", "--root", root, "--node", file];
    const { status, stdout } = await install(made, made.folder, [...given, made.tarball]);
    expect(status).toBe(0);
    expect(stdout).toContain(
      "Its SHA-256 is the one in SHASUMS256.txt. Its signature was not checked: there is no SHASUMS256.txt.asc.",
    );
    expect(await readFile(join(root, "/usr/local/bin/sluice"), "utf8")).toContain(
      " exec /opt/sluice/node/bin/node ",
    );
    expect((await onHost(root, "env -i /usr/local/bin/sluice --version")).status).toBe(0);
    // Behind a firewall, without it: the one that came before is kept.
    await rm(folder, { recursive: true });
    const again = await install(made, made.folder, ["--yes", "--root", root], {
      PATH: process.env["PATH"] ?? "",
    });
    expect(again).toMatchObject({ status: 0, stdout: expect.stringMatching(/all is as it should be/) });
  });

  test("upgrades an older version, and keeps its state, its settings and what was changed by hand", async () => {
    const older = await variantOf(made, "older", {
      "package.json": (await readFile(join(made.folder, "package.json"), "utf8")).replace(
        /"version": ".*"/,
        '"version": "0.0.9"',
      ),
      "systemd/sluice.logrotate": "/var/log/sluice/old { }\n",
      "dist/gone.js": "",
    });
    const root = await newRoot();
    await install(made, older, ["--yes", "--root", root, "--mode", "enforce"]);
    await cp(STATE, join(root, "/etc/myvpn/usage"), { recursive: true });
    await writeFile(join(root, "/etc/tmpfiles.d/sluice.conf"), "# mine\n");
    await writeFile(join(root, "/opt/sluice/README.md"), "mine too\n");
    const before = contentsOf(root);

    const { status, stdout } = await installTo(root);
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/ will take the place of 0\.0\.9:/),
    });
    const after = contentsOf(root);
    const state = ([path]: readonly [string, string]) => path.startsWith("/etc/myvpn");
    expect(Object.entries(after).filter(state)).toEqual(Object.entries(before).filter(state));
    expect(after["/etc/tmpfiles.d/sluice.conf.changed.bak"]).toBe(before["/etc/tmpfiles.d/sluice.conf"]);
    expect(after["/var/lib/sluice/changed/README.md"]).toBe(before["/opt/sluice/README.md"]);
    expect(after["/etc/logrotate.d/sluice"]).not.toBe(before["/etc/logrotate.d/sluice"]);
    expect(Object.keys(after)).not.toContain("/opt/sluice/dist/gone.js");
    expect(Object.keys(after).filter((path) => /\.(old|new|sluice-new)$/.test(path))).toEqual([]);

    const users = await onHost(root, "/usr/local/bin/sluice users --json");
    const figures = (JSON.parse(users.stdout) as Record<string, unknown>[]).map((row) => [
      ...[row["name"], row["totalBytes"], row["totalLimitBytes"], row["state"]],
    ]);
    expect(figures).toEqual([
      ["a b", 0, 2 ** 30, "disabled"],
      ["alice", 6_000_000, 10 * 2 ** 30, "ok"],
      ["bob", 77, 0, "unlimited"],
    ]);
  });

  test("--uninstall takes all of it away, and gives back what was there before", async () => {
    const root = await newRoot({
      "/etc/systemd/system/bw-limit-check.service": "[Service]\nExecStart=/usr/bin/loop\n",
      "/etc/cron.d/capture_host": "* * * * * root /usr/bin/capture-host\n",
      "/usr/bin/cek-bw-limit": "#!/bin/sh\necho old\n",
      "/usr/bin/bw-tracking-lib.sh": "old\n",
      "/opt/sluice/README.md": "somebody's checkout\n",
    });
    await mkdir(join(root, WANTS), { recursive: true });
    await symlink("/lib/systemd/system/bw-limit-check.service", join(root, WANTS, "bw-limit-check.service"));
    const before = contentsOf(root);
    expect((await installTo(root)).status).toBe(0);
    const between = contentsOf(root);
    expect(between["/usr/bin/cek-bw-limit"]).toBe("-> /usr/local/bin/cek-bw-limit");
    expect(between["/etc/cron.d/capture_host.before-sluice"]).toBe(before["/etc/cron.d/capture_host"]);
    expect(Object.keys(between)).not.toContain("/etc/cron.d/capture_host");

    const { status, stdout } = await installTo(root, "--uninstall", "--purge");
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringMatching(/Sluice is gone/) });
    expect(contentsOf(root)).toEqual(before);
  });

  test("--uninstall removes nothing while somebody could stay cut for ever", async () => {
    const { stdout, stderr, status } = await onHost(
      await installedRoot(),
      `PATH=/usr/local/bin:$PATH; rm -r /run/systemd # nothing runs that would have to be stopped
       sluice users >/dev/null
       { flock -x 9; sluice uninstall --yes >/dev/null || echo "books in use: $?"; } 9>>/etc/myvpn/usage/.lock
       cp /etc/myvpn/sluice.json /run/settings; echo '{ "mod": 1 }' >/etc/myvpn/sluice.json
       sluice uninstall --yes >/dev/null || echo "settings: $?"
       ls /opt/sluice/dist/cli.js /usr/local/bin/sluice
       sluice uninstall --yes --keep-cuts | tail -n 2
       ls -d /opt/sluice || echo gone`,
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^sluice: Cannot lift gates and cuts: .*another Sluice holds.*; nothing was removed/m,
    );
    expect(stderr).toMatch(/mod: /);
    expect(stdout.split("\n")).toEqual([
      ...["books in use: 2", "settings: 2", "/opt/sluice/dist/cli.js", "/usr/local/bin/sluice"],
      expect.stringMatching(/^Not done: The settings cannot be read: /),
      expect.stringMatching(/^Sluice is gone; /),
      ...["gone", ""],
    ]);
  });

  test("--uninstall puts the configs of OpenVPN servers back, and keeps hooks that one still runs", async () => {
    const root = await installedRoot();
    await mkdir(join(root, "etc/openvpn/server"), { recursive: true });
    const text = "port 1194\nserver 10.8.0.0 255.255.255.0\nmanagement 127.0.0.1 7505\n";
    await writeFile(join(root, "etc/openvpn/server/one.conf"), text);
    const { stdout, status } = await onHost(
      root,
      `PATH=/usr/local/bin:$PATH; rm -r /run/systemd
       sluice openvpn setup --yes --server one >/run/said; tail -n 1 /run/said
       grep -c /opt/sluice/scripts/openvpn/client- /etc/openvpn/server/one.conf
       bash -c 'exec -a openvpn sh -c "while :; do sleep 0.1; done" --config /etc/openvpn/server/one.conf' & server=$!
       sluice uninstall --yes >/run/said; kill $server; grep -c '^OpenVPN runs them' /run/said
       cat /etc/openvpn/server/one.conf; find /opt/sluice -type f`,
    );
    expect(status).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "Wrote /etc/myvpn/sluice.json. For it to take effect: systemctl restart bw-limit-check",
      ...["2", "1", ...text.split("\n").slice(0, -1)],
      "/opt/sluice/scripts/openvpn/client-disconnect",
      "/opt/sluice/scripts/openvpn/client-connect",
      "",
    ]);
  });

  test("--uninstall keeps what was changed by hand, names it, and keeps the accounts", async () => {
    const root = await installedRoot();
    await cp(STATE, join(root, "/etc/myvpn/usage"), { recursive: true });
    await writeFile(join(root, "/etc/logrotate.d/sluice"), "# mine\n");
    await writeFile(join(root, "/opt/sluice/README.md"), "# mine\n");
    const before = contentsOf(root);
    const { status, stdout } = await installTo(root, "--uninstall");
    expect(status).toBe(0);
    expect(stdout.match(/^Changed since it was installed, so it stays: .*$/gm)).toEqual([
      "Changed since it was installed, so it stays: /etc/logrotate.d/sluice",
      "Changed since it was installed, so it stays: /opt/sluice/README.md",
    ]);
    const kept = Object.entries(before).filter(
      ([path, what]) =>
        (path.startsWith("/etc/myvpn") || /logrotate\.d\/sluice$|sluice\/README\.md$/.test(path)) &&
        !what.endsWith("folder"),
    );
    const after = Object.entries(contentsOf(root)).filter(([, what]) => !what.endsWith("folder"));
    expect(after).toEqual(kept);
    expect((await installTo(root, "--uninstall")).status).toBe(1);
  });
});

describe.skipIf(missing)(`an installation that cannot be${missing}`, () => {
  const node = async (kind: "good" | "bad" | "garbage") => ["--node", (await nodeTarball(kind)).file];
  const without = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
  test.each([
    {
      name: "is refused without a Node and without a network",
      words: async () => ["--node-mirror", "file:///nonexistent"],
      environment: without,
      says: /^install\.sh: Cannot download file:.*Nothing was changed/m,
    },
    {
      name: "is refused with a Node of another sum",
      words: () => node("bad"),
      says: /^install\.sh: Cannot use node-v.*: expected SHA-256 0{64}, got [0-9a-f]{64}\. Nothing was changed$/m,
    },
    {
      name: "is refused with a Node that is none",
      words: () => node("garbage"),
      says: /^install\.sh: Cannot unpack ".*"\. Its SHA-256 .* Its signature was not checked: there is no SHASUMS256\.txt\.asc\. Nothing was changed$/m,
    },
    {
      name: "says that nothing was checked of a Node without its list of sums",
      words: async () => {
        const { file, folder } = await nodeTarball("garbage");
        await rm(join(folder, "SHASUMS256.txt"));
        return ["--node", file];
      },
      says: /Neither its sum nor a signature was checked: SHASUMS256\.txt is not beside it\. Nothing was changed$/m,
    },
    {
      name: "is refused where a file has the name of a folder",
      files: { "/etc/myvpn": "a file\n" },
      says: /^sluice: Cannot install "\/etc\/myvpn": expected a folder there, got a file$/m,
    },
    {
      name: "is refused where what is in the way cannot be kept aside",
      files: { "/usr/local/bin/sluice": "other\n", "/usr/local/bin/sluice.before-sluice": "another\n" },
      says: /^sluice: Cannot install "\/usr\/local\/bin\/sluice\.before-sluice": expected nothing there/m,
    },
    {
      name: "is refused with settings that the program does not understand",
      files: { "/etc/myvpn/sluice.json": '{ "mode": "sometimes" }\n' },
      says: /^sluice: Cannot use the new program, .*config check.* failed: .*mode/m,
    },
  ])("$name", async ({ words, environment, files = {}, says }) => {
    const root = await newRoot(files);
    const before = contentsOf(root);
    const given = ["--yes", "--root", root, ...((await words?.()) ?? [])];
    const { status, stderr } = await install(made, made.folder, given, environment ?? {});
    expect(stderr).toMatch(says);
    expect(status).not.toBe(0);
    expect(contentsOf(root)).toEqual(before);
  });

  test("is refused on a disk without room, before anything is written", async () => {
    const { stderr, stdout } = await onHost(
      await newRoot(),
      `mount -t tmpfs -o size=8m tmpfs /opt
       PATH=${made.path} ${made.folder}/scripts/install.sh --yes --root /opt/root >/dev/null || ls -A /opt`,
    );
    expect(stderr).toMatch(
      /^sluice: Cannot install below "\/opt": \d+ MB are needed there, \d+ MB are free$/m,
    );
    expect(stdout).toBe("");
  });

  test("is taken back as a whole when it fails half-way", async () => {
    const { stdout, stderr } = await onHost(
      await newRoot({ ...SHELL_SCRIPTS, ...systemctl() }),
      `list() { find /etc /opt /usr/local /usr/bin /var -xdev -printf '%M %l %p\\n' 2>/dev/null | sort; }
       mount -t tmpfs -o ro tmpfs /etc/logrotate.d
       list >/run/before
       PATH=${made.path} ${made.folder}/scripts/install.sh --yes >/run/said && echo installed
       list | diff /run/before -`,
      { TMPDIR: "/run" },
    );
    expect(stderr).toMatch(/^sluice: EROFS: read-only file system, open '\/etc\/logrotate\.d\/sluice/m);
    expect(stdout).toBe("");
  });

  test("leaves the older version at work when the new one does not run", async () => {
    const root = await installedRoot();
    const before = contentsOf(root);
    const broken = await variantOf(made, "broken", {
      "node_modules/koffi/index.js": "throw new Error('no binary for this processor');\n",
    });
    const { status, stderr } = await install(made, broken, ["--yes", "--root", root]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^sluice: Cannot use the new program, .*no binary for this processor/ms);
    expect(contentsOf(root)).toEqual(before);
  });
});

describe.skipIf(noGpg)(`the list of Node's sums${noGpg}`, () => {
  test.each<[name: string, how: { listed?: boolean; altered?: boolean; keys?: string }, says: RegExp]>([
    [
      "is told as signed where a releaser signed it",
      {},
      /That list is signed by Node's releaser [0-9A-F]{40}\./,
    ],
    [
      "is refused where somebody else signed it",
      { listed: false },
      /expected .* signed by one of Node's releasers/,
    ],
    [
      "is refused where it is not what was signed",
      { altered: true },
      /SHASUMS256\.txt is not what was signed/,
    ],
    [
      "is told as unchecked where the releasers' keys cannot be had",
      { keys: "nowhere" },
      /not all keys of Node's releasers could be fetched/,
    ],
  ])("%s", async (_, { listed = true, altered = false, keys = "" }, says) => {
    const { file, folder } = await nodeTarball("garbage");
    const releaser = await sign(folder);
    const name = `signed-${counter++}`;
    const variant = await variantOf(made, name, {
      "scripts/node-release-keys": `${listed ? releaser : "0".repeat(40)} Somebody\n`,
    });
    if (altered) await appendFile(join(folder, "SHASUMS256.txt"), "more\n");
    await writeFile(join(folder, `${"0".repeat(40)}.asc`), "no key\n");
    const given = [
      "--yes",
      "--root",
      await newRoot(),
      "--node",
      file,
      "--node-keys",
      `file://${folder}/${keys}`,
    ];
    const { status, stderr } = await install(made, variant, given);
    expect(stderr).toMatch(says);
    expect(status).toBe(1);
  });
});

/** Signs the list of sums with a key of the moment, and lays that key beside it. @returns its fingerprint. */
async function sign(folder: string): Promise<string> {
  const script = `
    export GNUPGHOME=$(mktemp -d)
    gpg --batch --quiet --passphrase '' --quick-gen-key releaser@test.example ed25519 sign 2>/dev/null
    key=$(gpg --batch --with-colons --list-keys | sed -n 's/^fpr:*\\([0-9A-F]*\\):$/\\1/p' | head -n 1)
    gpg --batch --quiet --clearsign --output "$1/SHASUMS256.txt.asc" "$1/SHASUMS256.txt"
    gpg --batch --armor --export >"$1/$key.asc"
    gpgconf --kill all; rm -rf "$GNUPGHOME"; echo "$key"`;
  const { stdout } = await promisify(execFile)("sh", ["-euc", script, "sh", folder]);
  return stdout.trim();
}

describe.skipIf(missing)(`a host with systemd${missing}`, () => {
  test("has the services of the shell scripts stopped, and its own started; --uninstall puts theirs back", async () => {
    const root = await newRoot({ ...SHELL_SCRIPTS, ...systemctl() });
    const { stdout, stderr, status } = await onHost(
      root,
      `echo active >/run/capture-host.service; echo active >/run/bw-limit-check.service
       PATH=${made.path} ${made.folder}/scripts/install.sh --yes --no-import >/run/said
       grep -E "Stopped first|wait for" /run/said; cat /run/calls; : >/run/calls
       ls -l /etc/systemd/system/capture-host.service* /usr/bin/cek-bw-limit | sed 's/.* \\//\\//'
       getent passwd sluice-capture | cut -d : -f 1; getent group sluice | cut -d : -f 1
       echo ---; /usr/local/bin/sluice uninstall --yes >/run/said; tail -n 2 /run/said; cat /run/calls
       cat /usr/bin/cek-bw-limit; cat /etc/systemd/system/bw-limit-check.service; ls /opt`,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [installed, removed] = stdout.split("---\n");
    expect(installed?.split("\n")).toEqual([
      "Stopped first: bw-limit-check.service, capture-host.service",
      "The limits of the shell scripts wait for: sluice import legacy",
      "stop bw-limit-check.service",
      "stop capture-host.service",
      "daemon-reload",
      "start sluice-gates.service",
      "start bw-limit-check.service",
      "start host-capture.service",
      "/etc/systemd/system/capture-host.service.before-sluice",
      "/usr/bin/cek-bw-limit -> /usr/local/bin/cek-bw-limit".replace(/^.* -> /, ""),
      "sluice-capture",
      "sluice",
      "",
    ]);
    expect(removed?.split("\n")).toEqual(expect.arrayContaining(["echo old", "ExecStart=/usr/bin/loop"]));
    expect(removed).not.toMatch(/^sluice/m);
  });

  test("runs again what it ran when the new daemon does not start", async () => {
    const root = await newRoot({ ...SHELL_SCRIPTS, ...systemctl("bw-limit-check.service") });
    const { stdout, stderr } = await onHost(
      root,
      `echo active >/run/capture-host.service
       PATH=${made.path} ${made.folder}/scripts/install.sh --yes --no-import >/run/said && echo installed
       cat /run/calls /run/capture-host.service; ls /opt; cat /usr/bin/cek-bw-limit`,
    );
    expect(stderr).toMatch(/^sluice: Cannot run "systemctl start bw-limit-check\.service": it failed$/m);
    expect(stdout).not.toMatch(/^installed/m);
    expect(stdout).toMatch(/^start capture-host\.service\nactive$/m);
    expect(stdout).toContain("echo old");
    expect(stdout).not.toMatch(/^sluice(\.\w+)?$/m);
  });
});

const SHELL_SCRIPTS = {
  "/etc/systemd/system/bw-limit-check.service": "[Service]\nExecStart=/usr/bin/loop\n",
  "/etc/systemd/system/capture-host.service": "[Service]\nExecStart=/usr/bin/capture-host-daemon\n",
  "/usr/bin/cek-bw-limit": "#!/bin/sh\necho old\n",
  "/etc/xray/bw-limit.conf": "joe 100 vms\n",
};

/** Keeps what is active in /run, tells what it was asked for, and refuses to start one unit. */
function systemctl(refused = "none"): Record<string, string> {
  return {
    "/usr/bin/systemctl": `#!/bin/sh
for unit; do :; done
case $1 in
show) cat "/run/$unit" 2>/dev/null || echo inactive; exit 0 ;;
start) if [ "$unit" = ${refused} ]; then echo "it failed" >&2; exit 1; fi; echo active >"/run/$unit" ;;
stop) rm -f "/run/$unit" ;;
esac
echo "$*" >>/run/calls
`,
  };
}

/** A tarball as Node's own is, with its list of sums beside it. */
async function nodeTarball(kind: "good" | "bad" | "garbage"): Promise<{ file: string; folder: string }> {
  const folder = await mkdtemp(join(made.directory, "node-"));
  const name = "node-v24.21.0-linux-x64";
  const file = join(folder, `${name}.tar.gz`);
  if (kind === "good") {
    await mkdir(join(folder, name));
    await symlink(join(made.directory, "bin"), join(folder, name, "bin"));
    const words = ["--dereference", "-cf", file, "-C", folder, name]; // tar reads one that is not compressed, too
    await promisify(execFile)("tar", words);
  } else await writeFile(file, "no tarball");
  const { stdout } = await promisify(execFile)("sha256sum", [file]);
  const sum = kind === "bad" ? "0".repeat(64) : stdout.slice(0, 64);
  await writeFile(join(folder, "SHASUMS256.txt"), `${sum}  ${name}.tar.gz\n`);
  return { file, folder };
}

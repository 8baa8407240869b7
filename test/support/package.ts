/**
 * What `npm pack` makes, installed into roots of their own.
 *
 * A host is the machine's own files with a root laid over them, for as long as a
 * script runs; nothing else sees what it changes.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { constants, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { CommandResult } from "./sluice.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** Where a node may lie that services run: not below /tmp or a home. */
const BASE = "/var/tmp";

export interface Package extends AsyncDisposable {
  /** A folder of its own, removed with all that was put into it. */
  readonly directory: string;
  readonly tarball: string;
  /** The tarball, unpacked. */
  readonly folder: string;
  /** PATH with a node in front that the installer takes for the host's. */
  readonly path: string;
}

/** Packs the project once, as a release does; some seven seconds. */
export async function packProject(): Promise<Package> {
  const directory = await mkdtemp(join(BASE, "sluice-package-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await mkdir(join(directory, "bin"));
    const node = join(directory, "bin/node");
    await copyFile(process.execPath, node, constants.COPYFILE_FICLONE);
    await chmod(directory, 0o755);
    await run("npm", ["pack", "--silent", "--pack-destination", directory], { cwd: PROJECT });
    const name = (await readdir(directory)).find((each) => each.endsWith(".tgz"));
    if (name === undefined) throw new Error("Cannot pack the project: npm pack made no tarball");
    const tarball = join(directory, name);
    await run("tar", ["-xzf", tarball, "-C", directory, "--no-same-owner"]);
    await leaveOut(join(directory, "package", "node_modules"));
    await run("tar", ["-czf", tarball, "-C", directory, "package"]);
    return {
      ...{ directory, tarball },
      folder: join(directory, "package"),
      path: `${join(directory, "bin")}:${process.env["PATH"]}`,
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Half of the files are types, maps and documents of packages: nothing runs them, and each test copies them. */
async function leaveOut(modules: string): Promise<void> {
  const unused = ["*.d.ts", "*.d.cts", "*.d.mts", "*.map", "*.md"].flatMap((name) => ["-o", "-name", name]);
  await run("find", [modules, "-type", "f", "(", ...unused.slice(1), ")", "-delete"]);
  await run("find", [modules, "-type", "d", "-empty", "-delete"]);
}

/** Another version's package: this one's, with some files replaced or, by null, removed. */
export async function variantOf(
  { directory, folder }: Package,
  name: string,
  files: Readonly<Record<string, string | null>>,
): Promise<string> {
  const variant = join(directory, name);
  await run("cp", ["-a", "--reflink=auto", folder, variant]);
  for (const [path, text] of Object.entries(files)) {
    await rm(join(variant, path), { force: true });
    if (text === null) continue;
    await mkdir(dirname(join(variant, path)), { recursive: true });
    await writeFile(join(variant, path), text);
  }
  return variant;
}

/** Runs install.sh of an unpacked package. Never throws for its exit status. */
export function install(
  { path }: Package,
  folder: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return command(join(folder, "scripts/install.sh"), words, { PATH: path, ...environment });
}

/**
 * Runs a script on a host: this machine's files with those of `root` laid over
 * them. What it changes is gone afterwards. Needs root and overlayfs.
 */
export function onHost(
  root: string,
  script: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const words = ["--mount", "--net", "--propagation", "private", "sh", "-euc", ON_HOST, "sh", root, script];
  return command("unshare", words, environment);
}

/**
 * Changes go to a tmpfs of the namespace's own, which ends with it; so does what
 * is done to the network. A systemd seems to run, and no Sluice was here before.
 */
const ON_HOST = `
mount -t tmpfs tmpfs /mnt
mkdir /mnt/changes /mnt/work /mnt/host
mount -t overlay overlay -o "lowerdir=/,upperdir=/mnt/changes,workdir=/mnt/work" /mnt/host
cd /mnt/host
rm -rf etc/myvpn opt/sluice var/lib/sluice var/log/sluice
cp -a "$1/." .
for each in proc dev sys; do mount --rbind "/$each" "$each"; done
mount -t tmpfs tmpfs run
mkdir -p run/systemd/system
exec chroot . sh -euc "$2"
`;

/** Every path below a root with what it is: mode and content, or where it leads. */
export function contentsOf(root: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const mode = (lstatSync(path).mode & 0o7777).toString(8).padStart(4, "0");
    found[path.slice(root.length)] = entry.isSymbolicLink()
      ? `-> ${readlinkSync(path)}`
      : entry.isDirectory()
        ? `${mode} folder`
        : `${mode} ${createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16)}`;
  }
  return found;
}

async function command(
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  const child = spawn(program, [...words], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}

async function run(program: string, words: readonly string[], options: { cwd?: string } = {}): Promise<void> {
  await promisify(execFile)(program, [...words], { timeout: 120_000, ...options });
}

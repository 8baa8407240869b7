/**
 * Roots that stand in for images, and services in them that stand in for
 * containers: chroot, namespaces and setpriv do what an engine would.
 *
 * The base is what `node:24-bookworm-slim` is: a minimal Debian of that release
 * (debootstrap) with Node and npm below /usr/local.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { commandPath } from "../support/requirements.ts";
import type { Stage } from "./dockerfile.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const BASE_IMAGE = "node:24-bookworm-slim";
/** What a build may need to reach the world, as the machine has it. */
const PASSED_ON = /^(npm_config_(registry|cafile)|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy)$/i;

export interface Images extends AsyncDisposable {
  readonly directory: string;
  /** The root of the last stage. */
  readonly root: string;
}

/** Builds all stages, each in a root of its own. */
export async function buildImage(stages: readonly Stage[]): Promise<Images> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-image-"));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const built = new Map<string, string>();
  const base = join(directory, "base");
  await makeBase(base);
  let root = base;
  for (const [index, stage] of stages.entries()) {
    if (stage.from !== BASE_IMAGE) throw new Error(`expected the image ${BASE_IMAGE}, got ${stage.from}`);
    root = join(directory, `stage-${index}`);
    await run("cp", ["-a", "--reflink=auto", base, root]);
    await build(root, stage, built);
    if (stage.name !== undefined) built.set(stage.name, root);
  }
  const owned = undo.move();
  return { directory, root, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function makeBase(base: string): Promise<void> {
  const { stdout } = await run("apt-get", ["indextargets", "--format", "$(SITE)", "Created-By: Packages"]);
  const mirror =
    stdout.split("\n").find((site) => /\/debian\/?$/.test(site)) ?? "http://deb.debian.org/debian";
  await run("debootstrap", ["--variant=minbase", "bookworm", base, mirror]);
  const npm = dirname(dirname(await realpath(commandPath("npm") ?? ""))); // of bin/npm-cli.js
  await mkdir(join(base, "usr/local/lib/node_modules"), { recursive: true });
  await cp(process.execPath, join(base, "usr/local/bin/node"), { dereference: true });
  await cp(npm, join(base, "usr/local/lib/node_modules/npm"), {
    recursive: true,
    dereference: true,
  });
  await run("ln", ["-s", "../lib/node_modules/npm/bin/npm-cli.js", join(base, "usr/local/bin/npm")]);
  await cp("/etc/resolv.conf", join(base, "etc/resolv.conf"), { dereference: true });
  const authorities = process.env["NODE_EXTRA_CA_CERTS"];
  if (authorities !== undefined) {
    await mkdir(dirname(join(base, authorities)), { recursive: true });
    await writeFile(join(base, authorities), await readFile(authorities));
  }
}

async function build(root: string, { steps }: Stage, built: ReadonlyMap<string, string>): Promise<void> {
  let folder = "/";
  for (const step of steps) {
    if (step.kind === "workdir") {
      folder = step.path;
      await mkdir(join(root, folder), { recursive: true });
    } else if (step.kind === "run") {
      await run("unshare", [
        ...["--mount", "--pid", "--fork", "--kill-child", "sh", "-c"],
        'mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh -c "cd $2 && $3"',
        ...["sh", root, folder, step.command],
      ]);
    } else if (step.kind === "copy") {
      await copy(
        step.from === undefined ? undefined : built.get(step.from),
        step.source,
        join(root, step.target === "." ? folder : step.target),
      );
    }
  }
}

/** The context is what git knows of, which .dockerignore leaves in. */
async function copy(from: string | undefined, source: string, target: string): Promise<void> {
  if (from !== undefined) return void (await run("cp", ["-a", join(from, source), target]));
  await run("sh", [
    "-c",
    'cd "$1" && git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$2"',
    "sh",
    PROJECT,
    target,
  ]);
}

export interface ServiceOptions {
  readonly root: string;
  readonly words: readonly string[];
  /** Of the image's /etc/passwd. */
  readonly uid: number;
  readonly gid: number;
  /** Without "CAP_", in lower case; the rest is dropped. */
  readonly capabilities: readonly string[];
  /** No network but a loopback of its own. */
  readonly offline: boolean;
  /** Folders or files of the host, by where they are in the container; ":ro" behind it as in compose.yaml. */
  readonly mounts: Readonly<Record<string, string>>;
}

/** Root is read-only but for the mounts; whoever starts it ends it. */
export function startService(options: ServiceOptions): ChildProcess {
  const { root, words, uid, gid, capabilities, offline, mounts } = options;
  const bounding = ["-all", ...capabilities.map((each) => `+${each}`)].join(",");
  const binds = Object.entries(mounts).flatMap(([target, source]) => [
    source,
    target.replace(/:ro$/, ""),
    target.endsWith(":ro") ? "ro" : "rw",
  ]);
  const script = `
    set -eu
    root=$1; count=$2; shift 2
    mount --bind "$root" "$root"; mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"; mount --bind /dev "$root/dev"
    while [ "$count" -gt 0 ]; do
      if [ -d "$1" ]; then mkdir -p "$root/$2"; else mkdir -p "$(dirname "$root/$2")"; [ -e "$root/$2" ] || : >"$root/$2"; fi
      mount --bind "$1" "$root/$2"; [ "$3" = rw ] || mount -o remount,bind,ro "$root/$2"
      shift 3; count=$((count - 1))
    done
    mount -o remount,bind,ro "$root"
    exec chroot "$root" "$@"`;
  return spawn(
    "unshare",
    [
      ...["--mount", "--pid", "--fork", "--kill-child", ...(offline ? ["--net"] : []), "sh", "-c", script],
      ...["sh", root, String(binds.length / 3), ...binds],
      ...["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"],
      ...[
        `--bounding-set=${bounding}`,
        `--inh-caps=${bounding}`,
        "env",
        "-i",
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        ...words,
      ],
    ],
    { stdio: "pipe" },
  );
}

async function run(program: string, words: readonly string[]): Promise<{ readonly stdout: string }> {
  const environment = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
  return promisify(execFile)(program, [...words], {
    env: { ...Object.fromEntries(environment), PATH: path, HOME: "/root", DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 64 << 20,
  });
}

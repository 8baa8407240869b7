/**
 * Dockerfile and compose.yaml, step by step: what they say is done in roots of
 * their own, and the two services run there with the rights that they name.
 */
import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { buildImage, type Images, startService } from "./container.ts";
import { parseDockerfile } from "./dockerfile.ts";

const missing = needs("root", "debootstrap", "npm", "unshare", "setpriv", "tar", "git", "curl");
const PROJECT = join(import.meta.dirname, "../..");
const ORIGIN = "http://127.0.0.1:8787";
const PASSWORD = "a long enough password";
/** Of the status file of a server that is there: it says so by its own clock. */
const STATUS_V2 = (now: number) =>
  [
    "TITLE,OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)] [LZO] [LZ4] [EPOLL] [MH/PKTINFO] [AEAD] [DCO]",
    `TIME,2026-11-21 14:00:00,${now}`,
    "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher",
    `CLIENT_LIST,alice,198.51.100.7:49890,10.8.0.2,,123456,654321,2026-11-21 13:00:00,${now - 3600},UNDEF,0,0,AES-256-GCM`,
    "HEADER,ROUTING_TABLE,Virtual Address,Common Name,Real Address,Last Ref,Last Ref (time_t)",
    `ROUTING_TABLE,10.8.0.2,alice,198.51.100.7:49890,2026-11-21 14:00:00,${now}`,
    "GLOBAL_STATS,Max bcast/mcast queue length,0",
    "END",
    "",
  ].join("\n");

interface Service {
  readonly command?: readonly string[];
  readonly user?: string;
  readonly network_mode: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly cap_add?: readonly string[];
  readonly volumes: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<"books" | "web", Service>>;
  readonly configs: { readonly settings: { readonly content: string } };
}

describe.skipIf(missing)(`the image${missing}`, () => {
  let images: Images;
  let compose: Compose;
  let volumes: string;
  let owner: { readonly uid: number; readonly gid: number };

  beforeAll(async () => {
    compose = parse(await readFile(join(PROJECT, "compose.yaml"), "utf8")) as Compose;
    images = await buildImage(parseDockerfile(await readFile(join(PROJECT, "Dockerfile"), "utf8")));
    volumes = join(images.directory, "volumes");
    for (const name of ["usage", "run", "data", "log", "web", "openvpn"]) {
      await mkdir(join(volumes, name), { recursive: true });
    }
    // As an engine fills a new volume: with what the image has there.
    owner = await webUserOf(images.root);
    await chown(join(volumes, "web"), owner.uid, owner.gid);
    await writeFile(join(volumes, "settings.json"), compose.configs.settings.content);
  });
  afterAll(() => images?.[Symbol.asyncDispose]());

  test("runs as the dashboard's own user, and has nothing of the development in it", async () => {
    const stage = parseDockerfile(await readFile(join(PROJECT, "Dockerfile"), "utf8")).at(-1);
    expect(stage?.steps).toContainEqual({ kind: "user", user: "sluice-web" });
    const paths = (await listing(images.root, "opt/sluice")).join("\n");
    expect(paths).toMatch(/^\.\/dist\/page\/index\.html$/m);
    expect(paths).not.toMatch(/^\.\/(src|test)\/|node_modules\/(vitest|node-linux-)/m);
  });

  test("books by a status file and shows it, with no right but to hand its socket over", async () => {
    await writeFile(join(volumes, "openvpn/status.log"), STATUS_V2(Math.floor(Date.now() / 1000)));
    await using books = serviceOf("books");
    const socket = async () => (await listing(volumes, "run")).includes("./web.sock");
    await until("the web's socket is there", socket, 20_000, books.said);
    await using web = serviceOf("web");
    await until("it answers", async () => (await ask("/healthz")).status === 200, 20_000, web.said);

    await expect(ask("/api/v1/setup")).resolves.toMatchObject({ body: { ready: false } });
    await using adding = running(
      startService(optionsOf("web", ["sluice", "admin", "add", "anna", "--password-stdin"])),
    );
    adding.child.stdin?.end(`${PASSWORD}\n`);
    await adding.ended;
    const cookie = await signIn();
    const known = async () => JSON.stringify((await ask("/api/clients", cookie)).body).includes("alice");
    await until("the client is shown", known, 20_000, () => `${books.said()}${web.said()}`);
    expect((await ask("/api/clients", cookie)).body).toMatchObject({
      clients: [
        { common_name: "alice", real_ip: "198.51.100.7", bytes_received: 123_456, bytes_sent: 654_321 },
      ],
    });
  });

  function serviceOf(name: "books" | "web") {
    return running(startService(optionsOf(name)));
  }

  function optionsOf(
    name: "books" | "web",
    words = ["sluice", ...(compose.services[name].command ?? ["web"])],
  ) {
    const service = compose.services[name];
    expect({ ...service }).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    const [uid, gid] = service.user?.split(":").map(Number) ?? [];
    return {
      ...{ root: images.root, words, uid: uid ?? owner.uid, gid: gid ?? owner.gid },
      capabilities: (service.cap_add ?? []).map((each) => each.toLowerCase()),
      offline: service.network_mode === "none",
      mounts: {
        "/etc/myvpn/sluice.json:ro": join(volumes, "settings.json"),
        ...Object.fromEntries(
          service.volumes.map((volume) => {
            const [source = "", ...target] = volume.split(":");
            return [target.join(":"), join(volumes, source.split("/").at(-1) ?? "")];
          }),
        ),
      },
    };
  }

  async function signIn(): Promise<string> {
    const answer = await fetch(`${ORIGIN}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: ORIGIN },
      body: JSON.stringify({ username: "anna", password: PASSWORD }),
    });
    expect(answer.status).toBe(200);
    return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  }
});

async function ask(path: string, cookie = ""): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    const answer = await fetch(`${ORIGIN}${path}`, { headers: { cookie } });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  } catch {
    return { status: 0, body: undefined }; // it does not listen yet
  }
}

/** With all it says; it ends with the test. */
function running(child: ChildProcess) {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (said += String(part)));
  const ended = once(child, "exit");
  return {
    said: () => said,
    ended,
    child,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // Who became another user outlives whoever started him; without the first process of its namespace none goes on.
      const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
      if (first !== "") process.kill(Number(first), "SIGKILL");
      await ended;
    },
  };
}

/** Paths below a folder, with "./" in front. */
async function listing(...path: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("find", ["."], { cwd: join(...path), maxBuffer: 64 << 20 });
  return stdout.split("\n");
}

async function webUserOf(root: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const line = /^sluice-web:[^:]*:(\d+):(\d+)/m.exec(await readFile(join(root, "etc/passwd"), "utf8"));
  return { uid: Number(line?.[1]), gid: Number(line?.[2]) };
}

/**
 * Three hosts in network namespaces of their own: a client, the server, and the internet far behind it.
 *
 *   client  10.62.1.1 ---- 10.62.1.2  server  10.62.2.1 ---- 10.62.2.2  far
 *           fd62:1::1      fd62:1::2          fd62:2::1      fd62:2::2
 *
 * Nothing is routed: the client reaches the server alone, as with a real tunnel.
 * The addresses are the same in every run, since nothing outside sees them.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../../src/errors.ts";

export type Family = 4 | 6;

export interface Namespace {
  /** As in /run/netns. */
  readonly name: string;
  /** Runs a program to its end, for its output. @throws {Error} with what it said when it failed or took a minute. */
  run(program: string, args: readonly string[], input?: string): Promise<string>;
  /** The child's pid is the program's own. It is ended with the network at the latest. */
  spawn(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
}

export interface Network extends AsyncDisposable {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly far: Namespace;
}

/** Where the server is for the client, where it is for the far host, and the far host. */
export const SERVER = { 4: "10.62.1.2", 6: "fd62:1::2" } as const;
export const SERVER_OUTSIDE = { 4: "10.62.2.1", 6: "fd62:2::1" } as const;
export const FAR = { 4: "10.62.2.2", 6: "fd62:2::2" } as const;
export const LOCAL = { 4: "127.0.0.1", 6: "::1" } as const;
const CLIENT = { 4: "10.62.1.1", 6: "fd62:1::1" } as const;

const LONGEST_RUN_MS = 60_000;

/** The words that put a program into a namespace. `ip netns exec` would hide the cgroup file systems. */
export function entering(name: string): readonly [string, ...string[]] {
  return ["nsenter", `--net=/run/netns/${name}`, "--"];
}

/** @throws {Error} when the names are taken; what was made by then is gone again. */
export async function openNetwork(): Promise<Network> {
  await using setup = new AsyncDisposableStack();
  const id = randomBytes(4).toString("hex");
  const add = async (role: string) => {
    const name = `slu-${id}-${role}`;
    await execute("ip", ["netns", "add", name]);
    setup.defer(() => removeNamespace(name));
    const namespace = namespaceOf(name);
    await namespace.run("ip", ["link", "set", "lo", "up"]);
    return namespace;
  };
  const [client, server, far] = [await add("client"), await add("server"), await add("far")];
  await connect([client, "server", CLIENT], [server, "client", SERVER]);
  await connect([server, "far", SERVER_OUTSIDE], [far, "server", FAR]);
  const made = setup.move();
  return { client, server, far, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

type End = readonly [namespace: Namespace, device: string, addresses: Readonly<Record<Family, string>>];

/** Both ends are made inside, so that they never show on the machine itself. */
async function connect(one: End, other: End): Promise<void> {
  const end = ([{ name }, device]: End) => ["name", device, "netns", name];
  await execute("ip", ["link", "add", ...end(one), "type", "veth", "peer", ...end(other)]);
  for (const [namespace, device, addresses] of [one, other]) {
    await namespace.run("ip", ["address", "add", `${addresses[4]}/24`, "dev", device]);
    // Without "nodad" the address could not be used for a second or two.
    await namespace.run("ip", ["address", "add", `${addresses[6]}/64`, "dev", device, "nodad"]);
    await namespace.run("ip", ["link", "set", device, "up"]);
  }
}

function namespaceOf(name: string): Namespace {
  const [enter, ...words] = entering(name);
  return {
    name,
    run: (program, args, input) => execute(enter, [...words, program, ...args], input),
    spawn: (program, args, options = {}) => spawn(enter, [...words, program, ...args], options),
  };
}

/** Whoever still runs inside ends first: a namespace lives as long as its last process. */
async function removeNamespace(name: string): Promise<void> {
  for (;;) {
    const inside = (await execute("ip", ["netns", "pids", name])).split("\n").filter((line) => line !== "");
    if (inside.length === 0) break;
    for (const pid of inside) killIfThere(Number(pid));
    await delay(10);
  }
  await execute("ip", ["netns", "delete", name]);
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** Runs a program on the machine itself. @throws {Error} with what it said when it failed or took a minute. */
export async function execute(program: string, args: readonly string[], input = ""): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { maxBuffer: 256 << 20, timeout: LONGEST_RUN_MS, killSignal: "SIGKILL" } as const;
  const child = execFile(program, args, options, (error, output, complaint) => {
    if (!error) return resolve(output);
    const said = complaint.trim() || error.message;
    reject(new Error(`Cannot run "${program} ${args.join(" ")}": ${said}`, { cause: error }));
  });
  child.stdin?.on("error", () => undefined); // a program that does not read its input
  child.stdin?.end(input);
  return promise;
}

/** Ends a child and waits until it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

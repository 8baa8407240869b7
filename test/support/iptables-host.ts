/**
 * A host in a network namespace of its own, with iptables of one variant, and a second one behind a cable.
 *
 * Both have a payload server. Programs inside run as any uid: no account is needed to own a socket.
 */
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { reasonOf } from "../../src/errors.ts";
import type { RunProgram } from "../../src/kernel/iptables.ts";
import { type Program, startCommand } from "../kernel/loopback.ts";
import { needs } from "./requirements.ts";

/** "plain" leaves the programs' names as they are. */
export type Variant = "nft" | "legacy" | "plain";

/** Where payload servers listen: on the second host, and on the first one's loopback. */
export const FAR = { ipv4: "10.61.0.2", ipv6: "fd61::2" } as const;
export const LOCAL = { ipv4: "127.0.0.1", ipv6: "::1" } as const;
const NEAR = { ipv4: "10.61.0.1", ipv6: "fd61::1" } as const;
const PORT = "7300";

export interface Transfer {
  readonly uid: number;
  readonly to: string;
  /** Where the client runs; on the host itself unless told. */
  readonly from?: "far";
  readonly port?: string;
  /** Payload bytes, client to server and back. */
  readonly up: number;
  readonly down: number;
}

export interface IptablesHost extends AsyncDisposable {
  /** Runs a program inside; names of iptables programs become those of the variant. */
  readonly run: RunProgram;
  /** Runs a command line of words, for its output. */
  sh(line: string): string;
  /** Moves payload and waits until both ends have closed. @throws when it does not complete within 10 s. */
  transfer(transfer: Transfer): Promise<void>;
  /** The same without waiting: each line says how many bytes have come. */
  startTransfer(transfer: Transfer): Program;
  /** One more payload server on the host, run by `uid`. */
  serve(uid: number, port: string): Promise<Program>;
}

/** Why this machine cannot have such a host, as `needs()` says it; "" if it can. */
export function whyNoHost(variant: "nft" | "legacy"): string {
  const missing = needs("root", "ip", "nsenter", "unshare", `iptables-${variant}`, `ip6tables-${variant}`);
  if (missing) return missing;
  try {
    for (const program of ["iptables", "ip6tables"]) command("unshare", "-n", `${program}-${variant}`, "-S");
    return "";
  } catch (error) {
    return ` (needs: a kernel with the ${variant} tables: ${reasonOf(error).trim().split("\n").at(-1)})`;
  }
}

let hosts = 0;

export async function iptablesHost(variant: Variant): Promise<IptablesHost> {
  await using setup = new AsyncDisposableStack();
  hosts += 1;
  const [near, far] = [`slu-near-${process.pid}-${hosts}`, `slu-far-${process.pid}-${hosts}`];
  for (const name of [near, far]) {
    command("ip", "netns", "add", name);
    setup.defer(() => void command("ip", "netns", "delete", name));
  }
  command("ip", "link", "add", "v0", "netns", near, "type", "veth", "peer", "name", "v0", "netns", far);
  for (const [name, addresses] of [
    [near, NEAR],
    [far, FAR],
  ] as const) {
    within(name, "ip", "link", "set", "lo", "up");
    within(name, "ip", "address", "add", `${addresses.ipv4}/24`, "dev", "v0");
    within(name, "ip", "address", "add", `${addresses.ipv6}/64`, "dev", "v0", "nodad");
    within(name, "ip", "link", "set", "v0", "up");
    const server = start(name, "payload-server.ts", PORT);
    setup.use(server);
    await server.line();
  }
  const running = setup.move();
  const startTransfer: IptablesHost["startTransfer"] = ({ uid, to, up, down, from, port = PORT }) =>
    start(from ? far : near, "payload-client.ts", to, port, `${uid}`, `${up}`, `${down}`);
  return {
    run: (program, parameters, input) => {
      const [file = "", ...rest] = [...enter(near), inVariant(program, variant), ...parameters];
      return execute(file, rest, input);
    },
    sh: (line) => {
      const [program = "", ...parameters] = line.split(" ");
      return within(near, inVariant(program, variant), ...parameters);
    },
    startTransfer,
    async transfer(transfer) {
      await using client = startTransfer(transfer);
      for (;;) if ((await client.line()).endsWith("done")) return;
    },
    async serve(uid, port) {
      const server = start(near, "payload-server.ts", port, `${uid}`);
      await server.line();
      return server;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function inVariant(program: string, variant: Variant): string {
  if (variant === "plain") return program;
  return program.replace(/^(ip6?tables)(?:-nft|-legacy)?(?=-|$)/, `$1-${variant}`);
}

/** Not "ip netns exec": that hides the cgroup file systems. */
function enter(namespace: string): string[] {
  return ["nsenter", `--net=/run/netns/${namespace}`, "--"];
}

function start(namespace: string, program: string, ...parameters: string[]): Program {
  const file = join(import.meta.dirname, "../sources/ssh/programs", program);
  const [entering = "", ...rest] = [...enter(namespace), process.execPath, file, ...parameters];
  return startCommand(entering, rest);
}

function within(namespace: string, ...words: string[]): string {
  const [program = "", ...parameters] = [...enter(namespace), ...words];
  return command(program, ...parameters);
}

function command(program: string, ...parameters: string[]): string {
  return execFileSync(program, parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function execute(program: string, parameters: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, parameters, { maxBuffer: 64 << 20 }, (error, output, complaint) => {
      if (error) reject(new Error(complaint.trim() || error.message, { cause: error }));
      else resolve(output);
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * One TCP transfer at full speed through a test bed's tunnel, between the
 * server's own tunnel address and a client: what arrived is counted as it does.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { endChild, entering } from "../namespaces.ts";
import { until } from "../until.ts";
import type { Testbed } from "./testbed.ts";

export interface InnerFlow extends AsyncDisposable {
  /** Payload bytes that came out at the other end so far. */
  received(): number;
  /** When bytes last came, on this process's monotonic clock; 0 before the first. */
  lastAt(): number;
  /** The longest time without a byte so far, in milliseconds, once the first had come. */
  longestStall(): number;
  /** Forgets the stalls so far. */
  restartStall(): void;
}

export interface FlowOptions {
  readonly user: string;
  readonly way: "up" | "down";
  /** The server's own address in the tunnel, IPv4 or IPv6. */
  readonly to: string;
  readonly port: number;
  /** The address the client sends from, where it has several. */
  readonly from?: string;
  /** Ends by itself after so many bytes. */
  readonly bytes?: number;
}

/** Begins one that goes on until it is disposed of. */
export function openFlow(bed: Testbed, { user, way, to, port, from, bytes }: FlowOptions): InnerFlow {
  const family = to.includes(":") ? 6 : 4;
  const bracketed = family === 6 ? `[${to}]` : to;
  const listening = `TCP${family}-LISTEN:${port},bind=${bracketed},reuseaddr`;
  const bind = from === undefined ? "" : `,bind=${from}`;
  const dialing = `TCP${family}:${bracketed}:${port},connect-timeout=5,retry=100,interval=0.05${bind}`;
  const size = bytes === undefined ? "" : `,readbytes=${bytes}`;
  const [atServer, atClient] =
    way === "up"
      ? [
          [listening, "STDOUT"],
          [`/dev/zero${size}`, dialing],
        ]
      : [
          [`/dev/zero${size}`, listening],
          [dialing, "STDOUT"],
        ];
  const socat = (namespace: string, ends: readonly string[]): ChildProcess => {
    const [enter, ...words] = entering(namespace);
    return spawn(enter, [...words, "socat", "-u", "-b65536", ...ends], {
      stdio: ["ignore", "pipe", "ignore"],
    });
  };
  const server = socat(bed.namespace, atServer);
  const client = socat(bed.namespaceOf(user), atClient);
  let received = 0;
  let lastAt = 0;
  let longest = 0;
  const sink = way === "up" ? server : client;
  sink.stdout?.on("data", (data: Buffer) => {
    const now = performance.now();
    if (received > 0) longest = Math.max(longest, now - lastAt);
    received += data.length;
    lastAt = now;
  });
  return {
    received: () => received,
    lastAt: () => lastAt,
    longestStall: () => longest,
    restartStall: () => {
      longest = 0;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([endChild(server), endChild(client)]);
    },
  };
}

/** Resolves with what had arrived once nothing came for `quiet` milliseconds. */
export function stopped(flow: InnerFlow, quiet = 300): Promise<number> {
  return until(
    "the flow stands still",
    () => flow.received() > 0 && performance.now() - flow.lastAt() > quiet && flow.received(),
    20_000,
    () => flow.received(),
  );
}

/** How long a TCP connection to some other host takes to open. */
import { connect } from "node:net";
import type { HostAndPort } from "../../../config-addresses.ts";
import { reasonOf } from "../../../errors.ts";

export interface Latency {
  /** As the settings write it. */
  readonly target: string;
  /** null while it does not open. */
  readonly ms: number | null;
  /** Why not; "" while it does. */
  readonly trouble: string;
}

const LONGEST_MS = 2_000;

/** Never throws. A name is looked up first, which is part of the time. */
export function measureLatency({ host, port }: HostAndPort, longestMs = LONGEST_MS): Promise<Latency> {
  const target = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${longestMs} ms`)), longestMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve({ target, ms: Math.round((performance.now() - began) * 100) / 100, trouble: "" });
      socket.destroy();
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      resolve({ target, ms: null, trouble: reasonOf(error) });
    });
  });
}

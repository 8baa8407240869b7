/**
 * Tells when an engine that was just started can be used.
 *
 * Its ports are looked for in the kernel's table of the engine's own network
 * namespace, not tried out: a connection that says nothing would show up in the
 * engine's logs and counters. Only the API is asked, as its answer counts.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type ServiceError, status } from "@grpc/grpc-js";
import { codeOf } from "../../src/errors.ts";
import { engineApi } from "./engine-api.ts";

/** What is looked at of a config: how to reach what it starts. */
export interface EngineConfig {
  readonly api?: { readonly listen?: string };
  readonly inbounds: readonly { readonly tag: string; readonly port: number }[];
}

const LONGEST_START_MS = 10_000;
const TCP_LISTEN = "0A";

/** Resolves when all ports are open and the API, if there is one, answers. @throws after ten seconds. */
export async function untilReady(pid: number, config: EngineConfig, signal: AbortSignal): Promise<undefined> {
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_START_MS)]);
  const inbound = config.inbounds.find(({ tag }) => tag === "api-in");
  const target = config.api?.listen ?? (inbound && `127.0.0.1:${inbound.port}`);
  const ports = config.inbounds.map(({ port }) => port);
  while (!(await areOpen(pid, ports)) || (target !== undefined && !(await answers(target)))) {
    if (giveUp.aborted) throw new Error(`it was not ready within ${LONGEST_START_MS} ms`);
    await delay(10);
  }
}

/**
 * Whether somebody listens on each of these TCP ports in the network namespace of a process.
 *
 *   /proc/PID/net/tcp: number  local address ":" port (hex)  remote  state  ...     proc(5)
 */
export async function areOpen(pid: number, ports: readonly number[]): Promise<boolean> {
  const open = new Set<number>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of (await tableOf(pid, table)).split("\n")) {
      const [, local, , state] = line.trim().split(/\s+/);
      if (state === TCP_LISTEN) open.add(Number.parseInt(local?.split(":")[1] ?? "", 16));
    }
  }
  return ports.every((port) => open.has(port));
}

/** Empty for a process that is gone and for a kernel without IPv6: no port is open there. */
async function tableOf(pid: number, table: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/net/${table}`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EINVAL"].includes(codeOf(error) ?? "")) return "";
    throw error;
  }
}

async function answers(target: string): Promise<boolean> {
  using api = engineApi(target);
  try {
    await api.call("Stats", "GetSysStats", {}, 1_000);
    return true;
  } catch (error) {
    // Without StatsService in its list the API is there all the same.
    return (error as ServiceError).code === status.UNIMPLEMENTED;
  }
}

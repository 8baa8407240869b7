/** The process of an Xray or V2Ray engine on this host: which one it is, and what it says to a config. */
import { testConfig } from "../enforcement/xray/config-test.ts";
import { type EngineVersion, engineVersion } from "../enforcement/xray/engine-kind.ts";
import { processUid } from "../kernel/process.ts";
import { executableOf } from "../kernel/processes.ts";
import { listenerPid } from "../kernel/socket-owner.ts";

/**
 * Who listens at the API's address. Undefined for a unix socket, another host, and while nobody does.
 *
 * @param proc where proc(5) is mounted.
 */
export function enginePid(api: string, proc = "/proc"): number | undefined {
  const address = loopbackOf(api);
  return address && listenerPid(address.host, address.port, proc);
}

/** The API's address if it is one of this host's own; undefined for a unix socket and for other hosts. */
export function loopbackOf(api: string): { readonly host: string; readonly port: number } | undefined {
  const [, v6, name, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(api) ?? [];
  const host = v6 ?? name;
  if (host === undefined) return undefined;
  const local = host === "localhost" ? "127.0.0.1" : host;
  return /^127\.|^::1$/.test(local) ? { host: local, port: Number(port) } : undefined;
}

/** @throws {Error} when the process is gone or may not be looked at. */
export async function versionOfEngine(pid: number): Promise<EngineVersion> {
  return engineVersion(executable(pid));
}

/**
 * Resolves if this engine, as its own user, would start with the config.
 *
 * @throws {Error} with the engine's reason, or why it could not be asked.
 */
export async function testForEngine(pid: number, path: string): Promise<void> {
  const uid = processUid(pid);
  const binary = executable(pid);
  const user = uid === undefined || uid === process.getuid?.() ? undefined : { uid, gid: uid };
  await testConfig({
    binary,
    kind: (await engineVersion(binary)).kind,
    user,
    path,
    signal: AbortSignal.timeout(30_000),
  });
}

function executable(pid: number): string {
  const path = executableOf(pid);
  if (path !== undefined) return path;
  throw new Error(`Cannot ask the engine: process ${pid} is gone or may not be looked at`);
}

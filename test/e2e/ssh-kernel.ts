/** What the kernel has counted for a login, asked by way of `nft` instead of ours. */
import type { Namespace } from "../support/namespaces.ts";

export interface KernelTraffic {
  /** Bytes of IP packets his sockets sent, and received, since the table was made. */
  readonly uplink: number;
  readonly downlink: number;
}

interface Listed {
  readonly nftables: readonly {
    readonly counter?: { readonly name: string; readonly bytes: number };
    readonly map?: { readonly elem?: readonly (readonly [key: unknown, mark: number])[] };
  }[];
}

/** Undefined as long as the table does not know him. @throws when there is no table. */
export async function kernelTraffic(server: Namespace, uid: number): Promise<KernelTraffic | undefined> {
  const mark = (await elements(server, "mark_of_uid")).find(([owner]) => owner === uid)?.[1];
  if (mark === undefined) return undefined;
  const counters = (await list(server, "counters", "table", "inet", "sluice")).flatMap(
    ({ counter }) => counter ?? [],
  );
  const bytes = (direction: "u" | "d") => {
    const name = `${direction}${mark.toString(16).padStart(8, "0")}`;
    const found = counters.filter((counter) => counter.name === name);
    if (found.length !== 1) throw new Error(`Cannot read the counter ${name}: ${found.length} of that name`);
    return found[0]?.bytes as number;
  };
  return { uplink: bytes("u"), downlink: bytes("d") };
}

/** Whether some session of a daemon that stays root, as dropbear, is marked by its cgroup. */
export async function marksSessions(server: Namespace): Promise<boolean> {
  return (await elements(server, "mark_of_cgroup")).length > 0;
}

async function elements(server: Namespace, map: string) {
  return (await list(server, "map", "inet", "sluice", map)).flatMap(({ map: listed }) => listed?.elem ?? []);
}

async function list(server: Namespace, ...what: readonly string[]): Promise<Listed["nftables"]> {
  return (JSON.parse(await server.run("nft", ["-j", "list", ...what])) as Listed).nftables;
}

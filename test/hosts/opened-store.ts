/** A store in a folder of its own, for tests: UTC, nothing of this host's own. */
import { readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostLine } from "../../src/hosts/host-line.ts";
import { HostsStore, type HostsStoreOptions } from "../../src/hosts/hosts-store.ts";
import { OwnPlaces } from "../../src/hosts/own-places.ts";
import type { Sighting } from "../../src/hosts/sighting.ts";
import { unixTime } from "../../src/units.ts";

/** 2026-11-21 14:03:07 UTC. */
export const NOW = unixTime(Date.UTC(2026, 10, 21, 14, 3, 7));
export const NOW_TEXT = "2026-11-21 14:03:07";
export const DAY_MS = 86_400_000;

export function sight(host: string, more: Partial<Sighting> = {}): Sighting {
  return { host, service: "SNI", source: undefined, at: NOW, ...more };
}

/** A line as the store writes it for `sight(host)`. */
export function lineOf(host: string): string {
  return `${host}|SNI|N/A|${NOW_TEXT}`;
}

/** Opens the store that is in `directory`, or makes one there. */
export async function storeIn(
  directory: string,
  settings: Partial<HostsStoreOptions["settings"]> = {},
  ownDomains: readonly string[] = [],
) {
  const news: HostLine[] = [];
  const store = await HostsStore.open({
    directory,
    settings: { maxHosts: 1_000, retentionDays: 90, perAccount: false, ...settings },
    timeZone: "UTC",
    own: new OwnPlaces(ownDomains, []),
    onNew: (line) => news.push(line),
  });
  const path = join(directory, "hosts.log");
  return {
    store,
    /** Hosts told of as new. */
    news: () => news.map(({ host }) => String(host)),
    path,
    text: () => readFileSync(path, "latin1"),
    /** First fields of the file's lines. */
    hosts: () =>
      readFileSync(path, "latin1")
        .split("\n")
        .slice(0, -1)
        .map((line) => line.split("|")[0]),
    /** Takes sights in and brings the file up to date. */
    see: (...hosts: readonly string[]) => {
      for (const host of hosts) store.see(sight(host));
      store.flush();
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/** A folder that goes with the test, and `storeIn()` for it. */
export async function storeFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-hosts-"));
  return {
    path: folder.path,
    log: join(folder.path, "hosts.log"),
    open: (...rest: [Partial<HostsStoreOptions["settings"]>?, (readonly string[])?]) =>
      storeIn(folder.path, ...rest),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

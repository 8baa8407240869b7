/** A database of addresses, whole in memory: some 8 MB by country, ten times as much by city. */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { basename } from "node:path";
import { Reader } from "maxmind";
import type { GeoDatabase } from "../wire.ts";

export interface GeoFile {
  readonly path: string;
  /** "GeoLite2-City"; the file's own name where the database has none worth the word. */
  readonly name: string;
  /** ms since 1970. */
  readonly builtAt: number;
  readonly attribution: GeoDatabase["attribution"];
  /** Knows no address of IPv6. */
  readonly ipv4Only: boolean;
  /** @returns the record as it is. @throws {Error} when the file is damaged there. */
  recordOf(address: string): unknown;
}

const DBIP = { text: "IP Geolocation by DB-IP", url: "https://db-ip.com" };
const GEOLITE = {
  text: "This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com",
  url: "https://www.maxmind.com",
};

/**
 * @param size what the file had before it was read.
 * @throws {Error} when it cannot be read, is no such database, or not whole.
 */
export async function openGeoFile(path: string, size: number): Promise<GeoFile> {
  const content = await readFile(path);
  if (content.length !== size) throw new Error(`it is being written: ${size} bytes became ${content.length}`);
  const reader = new Reader<never>(content);
  const { databaseType, buildEpoch, ipVersion, searchTreeSize } = reader.metadata;
  if (searchTreeSize >= content.length)
    throw new Error(`it is not whole: its tree alone takes ${searchTreeSize} bytes, ${size} are there`);
  const ipv4Only = ipVersion === 4;
  // ip-location-db calls all of its own "country ipvAll", "city ipv4".
  const name = / /.test(databaseType) ? basename(path, ".mmdb") : databaseType;
  return {
    ...{ path, name, ipv4Only },
    builtAt: buildEpoch.getTime(),
    attribution: /^geolite2/i.test(name) ? GEOLITE : /^db-?ip/i.test(name) ? DBIP : null,
    // Asked for IPv6, a tree of IPv4 answers with some other network's.
    recordOf: (address) => (ipv4Only && isIPv6(address) ? null : reader.get(address)),
  };
}

/**
 * When, how often and as what each host was seen: beside hosts.log. Losing it
 * costs these figures and nothing else.
 *
 *   line = host "|" Unix seconds "|" count "|" services, with commas, and "ech" if it may be such a name
 */
import { unixTime } from "../units.ts";
import { serviceNamed } from "./host-line.ts";
import { type Hostname, parseHostname } from "./hostname.ts";
import type { HostFigures, Register } from "./register.ts";
import { momentIn, readSideFile, writeSideFile } from "./side-file.ts";

const ECH = "ech";
const HEAD = "# hosts seen, version 1";

/** @throws the system's error. */
export async function writeSeen(path: string, register: Register): Promise<void> {
  await writeSideFile(path, HEAD, linesFrom(register));
}

/** Takes the figures of hosts in the register back in; lines that are none are passed over. @throws the system's error. */
export async function readSeen(path: string, register: Register): Promise<void> {
  for await (const line of readSideFile(path, HEAD)) {
    const [name = "", seconds, count, services = ""] = line.split("|");
    const host = parseHostname(name);
    const known = typeof host === "string" ? register.figuresOf(host) : undefined;
    if (typeof host !== "string" || !known) continue;
    register.restore(host, {
      lastSeen: unixTime(Math.max(momentIn(seconds), known.lastSeen)), // an old copy must not make a host leave
      count: Number(count) >>> 0,
      services: services.split(",").flatMap((word) => serviceNamed(word) ?? []),
      ech: services.split(",").includes(ECH),
    });
  }
}

function* linesFrom(register: Register): Generator<string> {
  for (const host of register.hosts()) {
    const figures = register.figuresOf(host);
    if (figures) yield lineOf(host, figures);
  }
}

function lineOf(host: Hostname, { lastSeen, count, services, ech }: HostFigures): string {
  return `${host}|${Math.floor(lastSeen / 1000)}|${count}|${[...services, ...(ech ? [ECH] : [])].join(",")}`;
}

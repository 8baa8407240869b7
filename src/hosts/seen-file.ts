/**
 * When, how often and as what each host was seen: beside hosts.log, and rewritten
 * whole now and then. Losing it costs these figures and nothing else.
 *
 *   line = host "|" Unix seconds "|" count "|" services, with commas
 */
import { createReadStream } from "node:fs";
import { open, rename } from "node:fs/promises";
import { createInterface } from "node:readline";
import { codeOf } from "../errors.ts";
import { unixTime } from "../units.ts";
import { serviceNamed } from "./host-line.ts";
import { type Hostname, parseHostname } from "./hostname.ts";
import type { HostFigures, Register } from "./register.ts";

const HEAD = "# hosts seen, version 1";
/** Some 50 KB at a time: a hundred thousand hosts must not stand in the memory twice. */
const LINES_AT_ONCE = 1_000;

/** @throws the system's error. */
export async function writeSeen(path: string, register: Register): Promise<void> {
  const temporary = `${path}.new`;
  await using file = await open(temporary, "w", 0o640);
  let batch = [HEAD];
  for (const host of register.hosts()) {
    const figures = register.figuresOf(host);
    if (figures) batch.push(lineOf(host, figures));
    if (batch.length < LINES_AT_ONCE) continue;
    await file.write(`${batch.join("\n")}\n`);
    batch = [];
  }
  if (batch.length > 0) await file.write(`${batch.join("\n")}\n`);
  await rename(temporary, path);
}

/** Takes the figures of hosts in the register back in; a missing or newer file, and lines that are none, are passed over. */
export async function readSeen(path: string, register: Register): Promise<void> {
  try {
    let known: boolean | undefined;
    for await (const line of createInterface({ input: createReadStream(path, "latin1") })) {
      known ??= line === HEAD;
      if (!known) return;
      const [name = "", seconds, count, services = ""] = line.split("|");
      const host = parseHostname(name);
      if (typeof host !== "string" || !register.has(host)) continue;
      register.restore(host, {
        lastSeen: unixTime(Number(seconds) * 1000 || 0),
        count: Number(count) >>> 0,
        services: services.split(",").flatMap((word) => serviceNamed(word) ?? []),
      });
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function lineOf(host: Hostname, { lastSeen, count, services }: HostFigures): string {
  return `${host}|${Math.floor(lastSeen / 1000)}|${count}|${services.join(",")}`;
}

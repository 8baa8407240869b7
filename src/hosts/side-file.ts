/**
 * Files beside hosts.log that may be lost without harm: lines under a head that
 * says which version they are, rewritten whole now and then.
 */
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { codeOf } from "../errors.ts";
import { linesOf } from "../logs/lines.ts";
import { type UnixTime, unixTime } from "../units.ts";

/** What is known of somebody's visits is not for everybody. */
const MODE = 0o640;
/** Some 50 KB at a time: a hundred thousand lines must not stand in the memory twice. */
const LINES_AT_ONCE = 1_000;

/** Puts a file of these lines at `path`, in one step. @throws the system's error. */
export async function writeSideFile(path: string, head: string, lines: Iterable<string>): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await writeLines(temporary, head, lines);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }); // hosts.log needs the room more
    throw error;
  }
}

async function writeLines(path: string, head: string, lines: Iterable<string>): Promise<void> {
  await using file = await open(path, "w", MODE);
  let batch = [head];
  for (const line of lines) {
    batch.push(line);
    if (batch.length < LINES_AT_ONCE) continue;
    await file.appendFile(`${batch.join("\n")}\n`);
    batch = [];
  }
  await file.appendFile(batch.map((line) => `${line}\n`).join(""));
}

/** The lines under this head; none of a missing file, nor of one with another head. @throws the system's error. */
export async function* readSideFile(path: string, head: string): AsyncGenerator<string> {
  try {
    let known: boolean | undefined;
    for await (const line of linesOf(createReadStream(path))) {
      if (known) yield line;
      known ??= line === head;
      if (!known) return;
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** A moment written in Unix seconds; 0 for a text that is none. */
export function momentIn(seconds: string | undefined): UnixTime {
  return unixTime(/^\d{1,11}$/.test(seconds ?? "") ? Number(seconds) * 1000 : 0);
}

/**
 * Files beside hosts.log that may be lost without harm: lines under a head that
 * says which version they are, rewritten whole now and then.
 */
import { createReadStream } from "node:fs";
import { open, rename } from "node:fs/promises";
import { codeOf } from "../errors.ts";
import { linesOf } from "../logs/lines.ts";

/** What is known of somebody's visits is not for everybody. */
const MODE = 0o640;
/** Some 50 KB at a time: a hundred thousand lines must not stand in the memory twice. */
const LINES_AT_ONCE = 1_000;

/** Puts a file of these lines at `path`, in one step. @throws the system's error. */
export async function writeSideFile(path: string, head: string, lines: Iterable<string>): Promise<void> {
  const temporary = `${path}.new`;
  await using file = await open(temporary, "w", MODE);
  let batch = [head];
  for (const line of lines) {
    batch.push(line);
    if (batch.length < LINES_AT_ONCE) continue;
    await file.write(`${batch.join("\n")}\n`);
    batch = [];
  }
  await file.write(batch.map((line) => `${line}\n`).join(""));
  await rename(temporary, path);
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

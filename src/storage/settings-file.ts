/** Writes the settings file, which is the operator's: whole or not at all, with the mode and the owner it had. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { unlessMissing } from "../errors.ts";
import { writeDurably } from "./durable-write.ts";

/** Of a new one: the capture and the web read it too. */
const MODE = 0o644;

/** @throws the system's error; the old file stands then. */
export async function writeSettings(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const there = await unlessMissing(stat(path));
  await writeDurably(path, text, (there?.mode ?? MODE) & 0o7777, there && { uid: there.uid, gid: there.gid });
}

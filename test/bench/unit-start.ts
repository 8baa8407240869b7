/** How a unit of this project starts Node: benches start what they measure in the same way. */
import { readFile } from "node:fs/promises";

export interface UnitStart {
  /** Node's own flags. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws {Error} when the unit does not start Node. */
export async function unitStart(unit: string): Promise<UnitStart> {
  const text = await readFile(new URL(`../../systemd/${unit}`, import.meta.url), "utf8");
  const flags = /^ExecStart=\S+\/node (.*) \S+\/cli\.js /m.exec(text)?.[1]?.split(" ");
  if (!flags) throw new Error(`Cannot start like ${unit}: it has no ExecStart of Node`);
  const settings = [...text.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = ""]) => line.split(" "));
  return { flags, environment: Object.fromEntries(settings.map((each) => each.split("=", 2))) };
}

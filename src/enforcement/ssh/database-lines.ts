/** Lines of passwd, shadow and their like, each beginning with `name:`. */
import { readFileSync } from "node:fs";
import { codeOf } from "../../errors.ts";

/** His lines, each with its end. Not every system has every database. @throws the system's error. */
export function linesOf(path: string, name: string): string[] {
  return contentOf(path)
    .split("\n")
    .filter((line) => line.startsWith(`${name}:`))
    .map((line) => `${line}\n`);
}

export function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}

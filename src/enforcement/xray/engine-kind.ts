/** Which engine a program is, and which version: their command lines and abilities differ. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** V2Ray 5 renamed the options of 4. */
export type EngineKind = "xray" | "v2ray4" | "v2ray5";

export interface EngineVersion {
  readonly kind: EngineKind;
  /** "26.7.28"; undefined for V2Ray 5, which is known by what it refuses. */
  readonly version: string | undefined;
}

/**
 * Told by what `-version` prints, which Xray and V2Ray 4 both know and V2Ray 5
 * refuses. Not asked by `version`: V2Ray 4 passes over a word it does not know
 * and starts as an engine, on whatever config it finds.
 */
export async function engineVersion(binary: string): Promise<EngineVersion> {
  const said = await promisify(execFile)(binary, ["-version"], { timeout: 10_000 }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  const [, name, version] = /^(Xray|V2Ray) (\d+\.\d+\.\d+)/.exec(said) ?? [];
  if (name === "Xray") return { kind: "xray", version };
  return { kind: said.startsWith("V2Ray 4") ? "v2ray4" : "v2ray5", version };
}

/** Whether a version is that one or a later one. */
export function isFrom(version: string | undefined, least: string): boolean {
  if (version === undefined) return false;
  const [have, need] = [version, least].map((text) => text.split(".").map(Number));
  for (const [place, wanted] of (need ?? []).entries()) {
    const part = have?.[place] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

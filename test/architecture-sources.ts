/** A source file's text and imports, as the architecture test looks at them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

export interface Source {
  /** Below src/, with "/" between. */
  readonly path: string;
  /** Without its comments. */
  readonly text: string;
  /** The first comment. */
  readonly head: string;
  readonly imports: readonly Import[];
}

export const SRC = join(import.meta.dirname, "../src");

/** Every source file below src/. */
export function readSources(): Source[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => sourceOf(path, readFileSync(join(SRC, path), "utf8")));
}

export function sourceOf(path: string, written: string): Source {
  const text = withoutComments(written);
  const imports = [...text.matchAll(IMPORT)].map(({ groups }) => ({
    from: groups?.["static"] ?? groups?.["late"] ?? "",
    typeOnly: isTypeOnly(groups?.["what"] ?? ""),
  }));
  const [head = ""] = /^\/\*\*[^]*?\*\//.exec(written) ?? [];
  return { path, text, head, imports };
}

/** `what` stands between "import" and "from": "type { A } ", "{ type A, b } ", "" for a bare import. */
function isTypeOnly(what: string): boolean {
  if (/^type\b/.test(what)) return true;
  const names = /^\{([^]*)\}\s*$/
    .exec(what)?.[1]
    ?.split(",")
    .map((name) => name.trim());
  return names?.every((name) => name === "" || name.startsWith("type ")) ?? false;
}

/** Strings are matched first, so that a "//" in one of them stays. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[^])*`)|\/\/[^\n]*|\/\*[^]*?\*\//g,
    (_, literal: string | undefined) => literal ?? " ",
  );
}

/** The file below src/ that a relative import names; undefined for a package and for what lies outside. */
export function targetOf(path: string, from: string): string | undefined {
  const target = from.startsWith(".") ? normalize(join(dirname(path), from)) : "..";
  return target.startsWith("..") ? undefined : target;
}

const IMPORT =
  /^(?:import|export)\s+(?:(?<what>[^"';]*?)\s*\bfrom\s+)?"(?<static>[^"]+)"|(?:\bimport|\brequire|\bcreateRequire\([^)]*\))\("(?<late>[^"]+)"\)/gm;

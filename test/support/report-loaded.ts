/** Loaded before a program (`--import`): tells at its end which packages it loaded, in a line on standard error. */
import { writeSync } from "node:fs";
import Module from "node:module";

/** Packages in CommonJS, as those that matter here are, stand in this cache wherever they were imported from. */
const { _cache: cache } = Module as unknown as { readonly _cache: Readonly<Record<string, unknown>> };
const { moduleLoadList: builtin } = process as unknown as { readonly moduleLoadList: readonly string[] };

process.on("exit", () => {
  const packages = Object.keys(cache).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  if (builtin.some((name) => /\bsqlite\b/.test(name))) packages.push("node:sqlite");
  const names = new Set(packages.filter((name) => name !== undefined));
  writeSync(2, `loaded: ${[...names].sort().join(" ")}\n`);
});

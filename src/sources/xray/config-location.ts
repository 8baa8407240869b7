/**
 * Where the running engine's config file is.
 *
 * The engine's own command line knows best; without one the places where
 * distributions, install scripts and panels put it are tried in turn. An engine
 * that joins several files has no single config to read or to change, so it has
 * no location here.
 */
import { access, constants } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { codeOf } from "../../errors.ts";

export interface LocationHints {
  /** The engine's arguments, with or without the program's own name in front (/proc/PID/cmdline). */
  readonly argv?: readonly string[];
  /** The engine's working folder, for relative paths (/proc/PID/cwd). */
  readonly cwd?: string;
}

const WELL_KNOWN_PLACES: readonly string[] = [
  "/etc/xray/config.json",
  "/usr/local/etc/xray/config.json",
  "/etc/v2ray/config.json",
  "/usr/local/etc/v2ray/config.json",
  "/usr/local/x-ui/bin/config.json",
  "/opt/marzban/xray_config.json",
  "/var/lib/marzban/xray_config.json",
];

/**
 * The file named on the engine's command line, readable or not (a wrong guess
 * would be another engine's file), else the first of `places` that can be read.
 * Undefined if nothing is found, or if the engine reads a folder, several
 * files, a URL or its standard input.
 */
export async function locateEngineConfig(
  hints: LocationHints,
  places: readonly string[] = WELL_KNOWN_PLACES,
): Promise<string | undefined> {
  const { argv = [], cwd } = hints;
  if (argv.some((argument) => /^--?confdir(=|$)/.test(argument))) return undefined;
  const [named, ...others] = namedFiles(argv);
  if (named !== undefined) {
    if (others.length > 0 || named === "" || /^(stdin:|https?:\/\/|http\+unix:\/\/)/.test(named))
      return undefined;
    if (isAbsolute(named)) return named;
    return cwd === undefined ? undefined : join(cwd, named);
  }
  for (const place of places) {
    if (await readable(place)) return place;
  }
  return undefined;
}

/** The values of -c, -config and --config, written apart or with "=", as Go's flag package takes them. */
function namedFiles(argv: readonly string[]): string[] {
  return argv.flatMap((argument, index) => {
    const option = /^--?(?:c|config)(?:=(?<value>.*))?$/s.exec(argument);
    return option ? [option.groups?.["value"] ?? argv[index + 1] ?? ""] : [];
  });
}

async function readable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}

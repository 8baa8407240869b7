/** The config that a running server was started with, as it is on the disk now. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readServerConfig, type ServerConfig } from "./server-config.ts";
import { type HostFiles, serverAt } from "./server-process.ts";

/**
 * @param path where the settings say it is; "auto" asks the process.
 * @returns undefined where it cannot be known or read.
 */
export function runningConfig(pid: number, path: string): ServerConfig | undefined {
  const config = path === "auto" ? serverAt(THIS_HOST, pid)?.config : path;
  const text = config === undefined ? undefined : THIS_HOST.read(config);
  return text === undefined ? undefined : readServerConfig(text);
}

const THIS_HOST: HostFiles = {
  read: (path) => unlessHidden(() => readFileSync(path, "utf8")),
  entries: (folder) => unlessHidden(() => readdirSync(folder)) ?? [],
  link: (path) => unlessHidden(() => readlinkSync(path)),
};

function unlessHidden<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

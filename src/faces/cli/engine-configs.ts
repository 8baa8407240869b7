/** Where the engines' configs are, by the settings and by the engines that run. */
import type { Settings } from "../../config.ts";
import { enginePid } from "../../daemon/engine-process.ts";
import { processArguments } from "../../kernel/process.ts";
import { locateEngineConfig } from "../../sources/xray/config-location.ts";

/** Those that are known; a file need not be there. */
export async function engineConfigs({ xray }: Settings): Promise<string[]> {
  const paths: string[] = [];
  for (const { config, api } of xray) {
    const pid = config === "auto" ? enginePid(api) : undefined;
    const argv = pid === undefined ? undefined : processArguments(pid);
    const path = config === "auto" ? await locateEngineConfig(argv ? { argv } : {}) : config;
    if (path !== null && path !== undefined) paths.push(path);
  }
  return paths;
}

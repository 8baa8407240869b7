/** `realtime-bandwidth` and `realtime-hosts`: the old monitors, which took no arguments. */
import { Command } from "commander";
import { VERSION } from "../../version.ts";
import { requireRoot } from "./root-only.ts";

export function realtimeBandwidth(): Command {
  return monitor("realtime-bandwidth", "usage of users with limits, as it happens").action(async (options) =>
    (await import("../cli/top.ts")).showRealtimeBandwidth(options),
  );
}

export function realtimeHosts(): Command {
  return monitor("realtime-hosts", "captured hosts, as they come").action(async (options) =>
    (await import("../cli/watch-hosts.ts")).showRealtimeHosts(options),
  );
}

function monitor(name: string, description: string): Command {
  return new Command(name)
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .description(description)
    .hook("preAction", (command) => requireRoot(command.opts()))
    .option("--config <file>", "settings other than /etc/myvpn/sluice.json")
    .option("--once", "one table, then leave")
    .option("--json", "answer in JSON")
    .option("--plain", "lines as they change, as where there is no terminal");
}

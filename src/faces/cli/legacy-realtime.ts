/** `realtime-bandwidth` and `realtime-hosts`: the old monitors, which took no arguments. */
import { Command } from "commander";
import { VERSION } from "../../version.ts";

export function legacyRealtimeBandwidth(): Command {
  return monitor("realtime-bandwidth", "usage of users with limits, as it happens").action(async (options) =>
    (await import("./top.ts")).showRealtimeBandwidth(options),
  );
}

export function legacyRealtimeHosts(): Command {
  return monitor("realtime-hosts", "captured hosts, as they come").action(async (options) =>
    (await import("./watch-hosts.ts")).showRealtimeHosts(options),
  );
}

function monitor(name: string, description: string): Command {
  return new Command(name)
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .description(description)
    .option("--config <file>", "settings other than /etc/myvpn/sluice.json")
    .option("--once", "one table, then leave")
    .option("--json", "answer in JSON")
    .option("--plain", "lines as they change, as where there is no terminal");
}

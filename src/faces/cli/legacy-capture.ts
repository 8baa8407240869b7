/** `capture-host`: the old command, one scan of the logs, with its words. */
import { Command } from "commander";
import { OwnPlaces } from "../../hosts/own-places.ts";
import { VERSION } from "../../version.ts";
import { hostsSettings, scanForHosts } from "./hosts.ts";
import { settingsFor } from "./settings-for.ts";

export function legacyCapture(): Command {
  return new Command("capture-host")
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .description("scans the logs for hosts once")
    .option("--config <file>", "settings other than /etc/myvpn/sluice.json")
    .action((options: { config?: string }) => scan(options));
}

async function scan(options: { config?: string }): Promise<void> {
  const settings = await settingsFor(options);
  const own = new OwnPlaces(hostsSettings(settings).ownDomains);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say("Scanning for request hosts...");
  say(`VPS Main Domain: ${own.domain ?? "N/A"}`);
  say(`VPS IP Address: ${own.address ?? "N/A"}`);
  for (const { host, service, source } of await scanForHosts(settings)) {
    say(`Captured new host: ${host} (${service}) from IP: ${source}`);
  }
  say("Host capture complete!");
}

/** What `capture-host` does, in its old words. */
import { OwnPlaces } from "../../hosts/own-places.ts";
import { hostRows, hostsSettings, scanForHosts } from "../cli/hosts.ts";
import { settingsFor } from "../cli/settings-for.ts";
import { hostsTable } from "./tables.ts";

interface Options {
  readonly config?: string;
}

export async function scan(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  const places = placesText(hostsSettings(settings).ownDomains);
  say("Scanning for request hosts...");
  say(places);
  for (const { host, service, source } of await scanForHosts(settings)) {
    say(`Captured new host: ${host} (${service}) from IP: ${source}`);
  }
  say("Host capture complete!");
}

export async function list(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  say(placesText(hostsSettings(settings).ownDomains));
  say(hostsTable(await hostRows(settings), { clip: process.stdout.isTTY }));
}

function placesText(ownDomains: readonly string[]): string {
  const own = new OwnPlaces(ownDomains);
  return `VPS Main Domain: ${own.domain ?? "N/A"}\nVPS IP Address: ${own.address ?? "N/A"}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

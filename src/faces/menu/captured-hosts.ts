/** `menu-captured-hosts`: the old command for the menu of hosts. */
import { Command } from "commander";
import { VERSION } from "../../version.ts";
import { requireRoot } from "../legacy/root-only.ts";

export function menuCapturedHosts(): Command {
  return new Command("menu-captured-hosts")
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .description("the menu of captured hosts")
    .option("--config <file>", "settings other than /etc/myvpn/sluice.json")
    .hook("preAction", (command) => requireRoot(command.opts()))
    .action(async (options: { config?: string }) => (await import("./run.ts")).runMenu("hosts", options));
}

/** `capture-host`: what the old command is called with. */
import { Command } from "commander";
import { VERSION } from "../../version.ts";
import { requireRoot } from "./root-only.ts";

export function captureHost(): Command {
  const root = new Command("capture-host").version(VERSION).exitOverride().showHelpAfterError();
  root.option("--config <file>", "settings other than /etc/myvpn/sluice.json");
  root.hook("preAction", () => requireRoot(root.opts()));
  const commands = () => import("./host-commands.ts");
  root
    .command("scan", { isDefault: true })
    .description("scans the logs for hosts once")
    .action(async () => (await commands()).scan(root.opts()));
  root
    .command("list")
    .description("shows the captured hosts")
    .action(async () => (await commands()).list(root.opts()));
  return root;
}

/** What stands outside of the daemon: `gates` in the kernel, and engines' configs and units under `xray`. */
import type { Command } from "commander";
import { UNIT_DIRECTORY } from "../../enforcement/xray/engine-drop-in.ts";
import { type Common, command, reading } from "./command-line.ts";
import type { DropInOptions } from "./drop-in.ts";
import type { SetupOptions } from "./xray-setup.ts";

export function addEngineCommands(root: Command): void {
  const gates = root.command("gates").description("What stands in the kernel without the daemon");
  command(
    gates,
    "load",
    "Puts the gates of all accounts into the kernel, as at boot, before anybody comes in",
  ).action(async (options: Common) => (await import("./gates.ts")).loadGates(options));
  command(gates, "remove", "Takes everything of Sluice's out of the kernel; nobody is gated any more")
    .option("--release", "and gives back what was taken from who is cut, until the daemon starts again")
    .action(async (options: Common & { release?: boolean }) => {
      await (await import("./gates.ts")).removeGates(options);
    });

  const xray = root.command("xray").description("Engines: Xray and V2Ray");
  reading(xray, "setup", "Prepares an engine's config: statistics, API, tags, an outbound per account")
    .option("--undo", "take out again what setup added")
    .option("--engine <name>", "which one, if the settings have several")
    .option("--yes", "without asking")
    .option("--no-restart", "leave the engine's restart to me")
    .action(async (options: SetupOptions) => (await import("./xray-setup.ts")).setupXray(options));
  reading(xray, "last-look", "Books and saves what an engine counted, right before it is stopped")
    .option("--engine <name>", "as in the settings; the only one if left out", "")
    .action(async (options: Common & { engine: string }) =>
      (await import("./last-look.ts")).takeLastLook(options),
    );
  command(xray, "drop-in", "Has systemd take a last look before it stops an engine")
    .option("--engine <name>", "as in the settings; the only one if left out", "")
    .option("--no-splice", "also keep Xray's kernel copies off, which count only when they end")
    .option("--remove", "take it away again")
    .option("--print", "show it, write nothing")
    .option("--directory <path>", "where units are", UNIT_DIRECTORY)
    .action(async (options: Common & DropInOptions) => (await import("./drop-in.ts")).changeDropIn(options));
}

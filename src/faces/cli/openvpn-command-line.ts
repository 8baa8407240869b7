/** OpenVPN: `openvpn setup`. */
import type { Command } from "commander";
import { reading } from "./command-line.ts";
import type { OpenvpnSetupOptions } from "./openvpn-setup.ts";

export function addOpenvpnCommands(root: Command): void {
  const openvpn = root.command("openvpn").description("OpenVPN: its servers, and who is logged in");
  reading(openvpn, "setup", "Prepares a server's config: management interface, status, hooks")
    .option("--server <name>", "which one, by its name in the settings; all if left out")
    .option("--undo", "put back what setup changed")
    .option("--yes", "without asking")
    .option("--client-auth", "also ask Sluice at each login: nobody gets in while it does not run")
    .option("--keep-hooks", "leave hooks of other programs in place")
    .option("--replace-hooks", "with --yes: also those that may let clients in or configure them")
    .action(async (options: OpenvpnSetupOptions) =>
      (await import("./openvpn-setup.ts")).setupOpenvpn(options),
    );
}

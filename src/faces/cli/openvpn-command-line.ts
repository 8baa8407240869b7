/** OpenVPN: `openvpn status`, `sessions`, `history`, `kick` and `setup`. */
import type { Command } from "commander";
import { type Brief, type Common, reading } from "./command-line.ts";
import type { HistoryOptions } from "./history.ts";
import type { SessionsOptions } from "./openvpn.ts";
import type { OpenvpnSetupOptions } from "./openvpn-setup.ts";

export function addOpenvpnCommands(root: Command): void {
  const openvpn = root.command("openvpn").description("OpenVPN: its servers, and who is logged in");
  reading(openvpn, "status", "How the servers are; status 4 if none answers")
    .option("--brief", "in a few words")
    .action(async (options: Common & Brief) => (await import("./openvpn.ts")).showServers(options));
  reading(openvpn, "sessions", "Logins that last, at all servers")
    .option("--server <name>", "at one server, by its name in the settings")
    .option("--user <name>", "of one user")
    .action(async (options: SessionsOptions) => (await import("./openvpn.ts")).showSessions(options));
  reading(openvpn, "history [name]", "Logins that were and that are: when, from where, how much")
    .option("--since <time>", "since a moment (2026-11-21T14:00) or for a span (30m, 12h, 7d)")
    .option("--server <name>", "at one server, by its name in the settings")
    .action(async (name: string | undefined, options: HistoryOptions) =>
      (await import("./history.ts")).showHistory(name, options),
    );
  reading(openvpn, "kick <name>", "Ends all logins of a user, who may come again at once").action(
    async (name: string, options: Common) => (await import("./openvpn.ts")).kick(name, options),
  );
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

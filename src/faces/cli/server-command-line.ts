/** What is done once to a server: `import`, `backup`, `restore`, `config`, `install`, `uninstall`; and its documents. */
import { type Command, Option } from "commander";
import { VERSION } from "../../version.ts";
import { type Common, command, reading } from "./command-line.ts";
import type { ExportOptions } from "./export-owpanel.ts";
import type { ImportOptions } from "./import-legacy.ts";
import type { OwpanelOptions } from "./import-owpanel.ts";
import type { InstallFlags } from "./install.ts";
import type { RestoreOptions } from "./restore.ts";
import type { UninstallFlags } from "./uninstall.ts";

export function addServerCommands(root: Command): void {
  const imports = root.command("import").description("Takes over what other programs kept");
  reading(imports, "legacy", "Limits, and if asked usage, from the old scripts' files")
    .option("--directory <path>", "where bw-limit.conf is; /etc/xray if left out")
    .option("--root <path>", "in front of /etc: for a copy of another host's files", "/")
    .option("--usage", "usage as well, which is often far too much")
    .addOption(
      new Option("--count <direction>", "what limits count from now on").choices([
        "uplink",
        "both",
        "downlink",
      ]),
    )
    .option("--yes", "without asking")
    .action(async (options: ImportOptions) => (await import("./import-legacy.ts")).importLegacy(options));

  stores(reading(imports, "owpanel", "Sessions, limits and traffic from an old OpenVPN panel or monitor"))
    .option("--db <file>", "its database of quotas and traffic (user_quotas, traffic_logs)")
    .option("--usage", "usage as well: what it says was used up to now")
    .option("--yes", "without asking")
    .action(async (options: OwpanelOptions) => (await import("./import-owpanel.ts")).importOwpanel(options));
  const exports = root.command("export").description("Writes what other programs read");
  stores(reading(exports, "owpanel", "Sessions as an old OpenVPN panel keeps them")).action(
    async (options: ExportOptions) => (await import("./export-owpanel.ts")).exportOwpanel(options),
  );

  reading(root, "backup <file>", "Saves settings, accounts, hosts, admins and history in one file").action(
    async (file: string, options: Common) => (await import("./backup.ts")).makeBackup(file, options),
  );
  reading(root, "restore <file>", "Puts back what a backup holds; what it replaces stays beside it")
    .option("--keep-settings", "all but the settings")
    .option("--yes", "without asking")
    .action(async (file: string, options: RestoreOptions) =>
      (await import("./restore.ts")).restoreBackup(file, options),
    );

  const config = root.command("config").description("The settings");
  reading(config, "check", "Reads the settings and reports every problem").action(async (options: Common) =>
    (await import("./config-check.ts")).checkConfig(options),
  );
  command(
    root,
    "uninstall",
    "Takes Sluice off this host: lifts gates and cuts, puts back what was there before",
  )
    .option("--yes", "without asking")
    .option("--keep-cuts", "who is cut stays cut")
    .option("--undo-setup", "also take out of engines' configs what xray setup added")
    .option("--start-old", "start the services again that ran before")
    .option("--purge", "also all accounts, limits, events and hosts")
    .option("--root <path>", "where it was installed below", "/")
    .action(async (options: UninstallFlags) => (await import("./uninstall.ts")).runUninstall(options));
  root
    .command("install", { hidden: true })
    .description("What scripts/install.sh runs once it has found a Node")
    .requiredOption("--node <path>", "the node binary to run under")
    .option("--copy-node", "take it along: it is not the host's")
    .option("--node-origin <text>", "how it came here", "It is the host's own.")
    .option("--root <path>", "install below a folder, and start nothing", "/")
    .option("--yes", "without asking")
    .addOption(new Option("--mode <mode>", "for a host without settings").choices(["observe", "enforce"]))
    .option("--capture", "the host capture too")
    .option("--no-capture", "not the host capture")
    .option("--web", "the dashboard too")
    .option("--no-web", "not the dashboard")
    .option("--import", "import the limits of the shell scripts")
    .option("--no-import", "do not")
    .action(async (options: InstallFlags) => {
      const [{ commandTree }, { runInstall }] = [
        await import("./command-tree.ts"),
        await import("./install.ts"),
      ];
      await runInstall(options, commandTree(root));
    });
  root
    .command("completion", { hidden: true })
    .description("Prints the completion for bash")
    .action(async () => {
      const [{ commandTree }, { completionScript }] = [
        await import("./command-tree.ts"),
        await import("./completion.ts"),
      ];
      process.stdout.write(completionScript(commandTree(root)));
    });
  root
    .command("man", { hidden: true })
    .description("Prints the man page, for man -l -")
    .action(async () => {
      const [{ commandTree }, { manPage }] = [
        await import("./command-tree.ts"),
        await import("./man-page.ts"),
      ];
      process.stdout.write(manPage({ tree: commandTree(root), version: VERSION }));
    });
}

function stores(owpanel: Command): Command {
  return owpanel
    .option("--history <file>", "its session_history.json (OPENVPN_HISTORY_LOG)")
    .option("--sessions <file>", "its active_sessions.json (OPENVPN_ACTIVE_SESSIONS)");
}

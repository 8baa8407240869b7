/**
 * The command line: what each command is called and takes. The work is done
 * elsewhere; here words become values, once, and results become text or JSON.
 */
import { Command } from "commander";
import { VERSION } from "../../version.ts";
import { type Brief, type Common, command, reading } from "./command-line.ts";
import type { DoctorOptions } from "./doctor.ts";
import { addEngineCommands } from "./engines-command-line.ts";
import { addHostCommands } from "./hosts-command-line.ts";
import { addOpenvpnCommands } from "./openvpn-command-line.ts";
import { addServerCommands } from "./server-command-line.ts";
import type { TopOptions } from "./top.ts";
import { addUserCommands } from "./users-command-line.ts";
import { addWebCommands } from "./web-command-line.ts";

export function program(): Command {
  const root = new Command("sluice")
    .description("Meters every user of a VPN server and shuts the gate at their limit")
    .version(VERSION)
    .showHelpAfterError("(sluice --help lists the commands)")
    .exitOverride();

  command(root, "up", "A first look: meters the engine that is there and observes, or shows a demo")
    .option("--directory <path>", "everything is written below it", ".sluice")
    .option("--enforce", "cut for real instead of observing")
    .action(async (options: Common & { directory: string; enforce?: boolean }) =>
      (await import("./daemon-commands.ts")).runUpCommand(options),
    );
  command(root, "enforce", "Runs the daemon: meters, and cuts at the limits")
    .option("--observe", "book and show what would be done, touch nothing")
    .action(async (options: Common & { observe?: boolean }) =>
      (await import("./daemon-commands.ts")).runEnforce(options),
    );

  reading(root, "status", "How the daemon and its sources are")
    .option("--brief", "in a few words; status 4 if the daemon does not run")
    .action(async (options: Common & Brief) =>
      options.brief
        ? (await import("./brief.ts")).showDaemonBriefly(options)
        : (await import("./status.ts")).showStatus(options),
    );
  reading(root, "doctor", "Looks for what keeps somebody from being counted, cut or captured")
    .option("--fix", "put right what is safe to: each change is shown and asked for")
    .option("--undo", "take such changes back")
    .option("--yes", "with --fix or --undo: without asking")
    .addHelpText("after", "\nExit status: 0 without problems (there may be warnings), 1 with problems.")
    .action(async (options: DoctorOptions) => (await import("./doctor.ts")).showDoctor(options));
  addUserCommands(root);
  addEngineCommands(root);
  addOpenvpnCommands(root);

  reading(root, "events", "What happened: warnings, cuts, restarts")
    .option("-f, --follow", "go on as they happen")
    .option("--user <name>", "of one user")
    .option("--since <time>", "since a moment (2026-11-21T14:00) or for a span (30m, 12h, 7d)")
    .action(async (options: Common & { follow?: boolean; user?: string; since?: string }) =>
      (await import("./events.ts")).showEvents(options),
    );
  reading(root, "top", "A live table of all users")
    .option("--once", "one table, then leave; --json is once as well")
    .option("--plain", "lines as they change, as where there is no terminal")
    .action(async (options: TopOptions) => (await import("./top.ts")).showTop(options));

  addHostCommands(root);

  command(root, "menu [name]", "The menus: main, quota, hosts, openvpn").action(
    async (name: string | undefined, options: Common) =>
      (await import("../menu/run.ts")).runMenu(name ?? "main", options),
  );

  addWebCommands(root);
  addServerCommands(root);
  return root;
}

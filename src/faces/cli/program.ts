/**
 * The command line: what each command is called and takes. The work is done
 * elsewhere; here words become values, once, and results become text or JSON.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { UNIT_DIRECTORY } from "../../enforcement/xray/engine-drop-in.ts";
import { parsePeriod } from "../../rules.ts";
import { parseSize } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { VERSION } from "../../version.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { DropInOptions } from "./drop-in.ts";
import type { ImportOptions } from "./import-legacy.ts";
import type { InstallFlags } from "./install.ts";
import type { RestoreOptions } from "./restore.ts";
import type { TopOptions } from "./top.ts";
import type { UninstallFlags } from "./uninstall.ts";
import type { WatchHostsOptions } from "./watch-hosts.ts";
import type { SetupOptions } from "./xray-setup.ts";

interface Common {
  readonly config?: string;
  readonly json?: boolean;
}

interface Brief {
  readonly brief?: boolean;
}

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
  reading(root, "users", "All users: usage, limits, state").action(async (options: Common) =>
    (await import("./users.ts")).showUsers(options),
  );
  reading(root, "user <name>", "One user").action(async (name: string, options: Common) =>
    (await import("./users.ts")).showUser(name, options),
  );

  const limit = root.command("limit").description("Sets and removes limits");
  reading(
    limit,
    "set <name> <size>",
    "Sets the total limit: 500MB, 10GB, 1.5GiB; a bare number is MB, 0 is unlimited",
  )
    .addOption(new Option("--daily <size>", "limit per day").argParser(asArgument(parseSize)))
    .addOption(
      new Option("--period <period>", "never, weekly, monthly, monthly:DAY or 30d").argParser(
        (text: string) => {
          asArgument(parsePeriod)(text);
          return text;
        },
      ),
    )
    .option("--service <service...>", "the limit ends only these for good (ssh); else all he has")
    .option("--create", "also for a name that no engine knows yet")
    .option("--yes", "even if it is used up already")
    .action(async (name: string, size: string, options: Common & LimitOptions) =>
      (await import("./users.ts")).setLimit(name, parseSize(size), options),
    );
  reading(limit, "remove <name>", "Removes the total and the daily limit").action(
    async (name: string, options: Common) =>
      (await import("./users.ts")).setLimit(name, 0 as Bytes, { ...options, daily: 0 as Bytes }),
  );

  reading(root, "reset [name]", "Starts usage over at zero; a user cut for it is let in")
    .option("--all", "everybody")
    .action(async (name: string | undefined, options: Common & { all?: boolean }) =>
      (await import("./users.ts")).resetUsers(name, options),
    );
  reading(root, "disable <name>", "Cuts a user until he is enabled").action(
    async (name: string, options: Common) => (await import("./users.ts")).setDisabled(name, true, options),
  );
  reading(root, "enable <name>", "Lets a disabled user in again").action(
    async (name: string, options: Common) => (await import("./users.ts")).setDisabled(name, false, options),
  );
  reading(root, "delete <name>", "Deletes an account and its login on this host; an engine's user stays")
    .option("--keep-login", "forget usage and limits alone")
    .option("--yes", "really")
    .action(async (name: string, options: Common & { yes?: boolean; keepLogin?: boolean }) =>
      (await import("./users.ts")).deleteUser(name, options),
    );
  const gates = root.command("gates").description("What stands in the kernel without the daemon");
  command(
    gates,
    "load",
    "Puts the gates of all accounts into the kernel, as at boot, before anybody comes in",
  ).action(async (options: Common) => (await import("./gates.ts")).loadGates(options));
  command(gates, "remove", "Takes everything of Sluice's out of the kernel; nobody is gated any more")
    .option("--release", "and gives back what was taken from who is cut, until the daemon starts again")
    .action(async (options: Common & { release?: boolean }) =>
      (await import("./gates.ts")).removeGates(options),
    );

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

  command(root, "capture", "Runs the host capture: lists the names that clients ask for").action(
    async (options: Common) => (await import("./capture-commands.ts")).runCaptureCommand(options),
  );
  const hosts = root.command("hosts").description("Captured hosts");
  reading(hosts, "list", "All hosts, or what one user asked for")
    .option("--user <name>", "of one user; kept only if hosts.per_account is on")
    .action(async (options: Common & { user?: string }) => (await import("./hosts.ts")).listHosts(options));
  reading(hosts, "add <host>", "Adds a host by hand")
    .option("--service <service>", "what it is to be listed under", "Manual")
    .option("--source <address>", "where its client was")
    .action(async (host: string, options: Common & { service: string; source?: string }) =>
      (await import("./hosts.ts")).addHost(host, options),
    );
  reading(hosts, "remove <host...>", "Removes hosts until they are seen anew").action(
    async (names: readonly string[], options: Common) =>
      (await import("./hosts.ts")).removeHosts(names, options),
  );
  reading(hosts, "clear", "Removes all hosts until they are seen anew")
    .option("--yes", "really")
    .action(async (options: Common & { yes?: boolean }) => (await import("./hosts.ts")).clearHosts(options));
  reading(hosts, "scan", "Reads the ends of the logs once more and lists what is new").action(
    async (options: Common) => (await import("./hosts.ts")).scanHosts(options),
  );
  reading(hosts, "watch", "New hosts as they come; --json is a line each")
    .option("--once", "the list as it is, then leave")
    .option("--plain", "lines as they come, as where there is no terminal")
    .action(async (options: WatchHostsOptions) => (await import("./watch-hosts.ts")).showNewHosts(options));
  reading(hosts, "status", "How the capture and its taps are")
    .option("--brief", "ON or OFF; status 4 if the capture does not run")
    .action(async (options: Common & Brief) =>
      options.brief
        ? (await import("./brief.ts")).showCaptureBriefly(options)
        : (await import("./hosts.ts")).showCapture(options),
    );
  for (const [word, on] of [
    ["on", true],
    ["off", false],
  ] as const) {
    reading(hosts, word, `Switches the capture ${word}, now and at boot`).action(async (options: Common) =>
      (await import("./hosts.ts")).switchCapture(on, options),
    );
  }
  command(hosts, "link", "Puts hosts.log where it is looked for; run as root before the capture").action(
    async (options: Common) => (await import("./capture-commands.ts")).linkHosts(options),
  );

  command(root, "menu [name]", "The menus: main, quota, hosts").action(
    async (name: string | undefined, options: Common) =>
      (await import("../menu/run.ts")).runMenu(name ?? "main", options),
  );

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
  return root;
}

export interface LimitOptions {
  readonly daily?: Bytes;
  readonly period?: string;
  readonly service?: readonly string[];
  readonly create?: boolean;
  readonly yes?: boolean;
}

function command(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--config <file>", "settings other than /etc/myvpn/sluice.json");
}

function reading(parent: Command, usage: string, description: string): Command {
  return command(parent, usage, description).option("--json", "answer in JSON");
}

/** A parser's refusal as a usage error, with the parser's own words. */
function asArgument<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

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
import { linkHosts, runCaptureCommand } from "./capture-commands.ts";
import { runEnforce, runUpCommand } from "./daemon-commands.ts";
import { showDoctor } from "./doctor.ts";
import { changeDropIn, type DropInOptions } from "./drop-in.ts";
import { showEvents } from "./events.ts";
import { loadGates, removeGates } from "./gates.ts";
import {
  addHost,
  clearHosts,
  listHosts,
  removeHosts,
  scanHosts,
  showCapture,
  switchCapture,
  watchHosts,
} from "./hosts.ts";
import { takeLastLook } from "./last-look.ts";
import { checkConfig, showStatus } from "./status.ts";
import { showTop } from "./top.ts";
import { deleteUser, resetUsers, setDisabled, setLimit, showUser, showUsers } from "./users.ts";
import { type SetupOptions, setupXray } from "./xray-setup.ts";

interface Common {
  readonly config?: string;
  readonly json?: boolean;
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
    .action((options: Common & { directory: string; enforce?: boolean }) => runUpCommand(options));
  command(root, "enforce", "Runs the daemon: meters, and cuts at the limits")
    .option("--observe", "book and show what would be done, touch nothing")
    .action((options: Common & { observe?: boolean }) => runEnforce(options));

  reading(root, "status", "How the daemon and its sources are").action((options: Common) =>
    showStatus(options),
  );
  reading(root, "doctor", "What keeps somebody from being counted or gated").action((options: Common) =>
    showDoctor(options),
  );
  reading(root, "users", "All users: usage, limits, state").action((options: Common) => showUsers(options));
  reading(root, "user <name>", "One user").action((name: string, options: Common) => showUser(name, options));

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
    .action((name: string, size: string, options: Common & LimitOptions) =>
      setLimit(name, parseSize(size), options),
    );
  reading(limit, "remove <name>", "Removes the total and the daily limit").action(
    (name: string, options: Common) => setLimit(name, 0 as Bytes, { ...options, daily: 0 as Bytes }),
  );

  reading(root, "reset [name]", "Starts usage over at zero; a user cut for it is let in")
    .option("--all", "everybody")
    .action((name: string | undefined, options: Common & { all?: boolean }) => resetUsers(name, options));
  reading(root, "disable <name>", "Cuts a user until he is enabled").action((name: string, options: Common) =>
    setDisabled(name, true, options),
  );
  reading(root, "enable <name>", "Lets a disabled user in again").action((name: string, options: Common) =>
    setDisabled(name, false, options),
  );
  reading(root, "delete <name>", "Deletes an account and its login on this host; an engine's user stays")
    .option("--keep-login", "forget usage and limits alone")
    .option("--yes", "really")
    .action((name: string, options: Common & { yes?: boolean; keepLogin?: boolean }) =>
      deleteUser(name, options),
    );
  const gates = root.command("gates").description("What stands in the kernel without the daemon");
  command(
    gates,
    "load",
    "Puts the gates of all accounts into the kernel, as at boot, before anybody comes in",
  ).action((options: Common) => loadGates(options));
  command(gates, "remove", "Takes everything of Sluice's out of the kernel; nobody is gated any more").action(
    (options: Common) => removeGates(options),
  );

  const xray = root.command("xray").description("Engines: Xray and V2Ray");
  reading(xray, "setup", "Prepares an engine's config: statistics, API, tags, an outbound per account")
    .option("--undo", "take out again what setup added")
    .option("--engine <name>", "which one, if the settings have several")
    .option("--yes", "without asking")
    .option("--no-restart", "leave the engine's restart to me")
    .action((options: SetupOptions) => setupXray(options));
  reading(xray, "last-look", "Books and saves what an engine counted, right before it is stopped")
    .option("--engine <name>", "as in the settings; the only one if left out", "")
    .action((options: Common & { engine: string }) => takeLastLook(options));
  command(xray, "drop-in", "Has systemd take a last look before it stops an engine")
    .option("--engine <name>", "as in the settings; the only one if left out", "")
    .option("--no-splice", "also keep Xray's kernel copies off, which count only when they end")
    .option("--remove", "take it away again")
    .option("--print", "show it, write nothing")
    .option("--directory <path>", "where units are", UNIT_DIRECTORY)
    .action((options: Common & DropInOptions) => changeDropIn(options));

  reading(root, "events", "What happened: warnings, cuts, restarts")
    .option("-f, --follow", "go on as they happen")
    .option("--user <name>", "of one user")
    .option("--since <time>", "since a moment (2026-11-21T14:00) or for a span (30m, 12h, 7d)")
    .action((options: Common & { follow?: boolean; user?: string; since?: string }) => showEvents(options));
  reading(root, "top", "A live table of all users")
    .option("--once", "one table, then leave")
    .action((options: Common & { once?: boolean }) => showTop(options));

  command(root, "capture", "Runs the host capture: lists the names that clients ask for").action(
    (options: Common) => runCaptureCommand(options),
  );
  const hosts = root.command("hosts").description("Captured hosts");
  reading(hosts, "list", "All hosts, or what one user asked for")
    .option("--user <name>", "of one user; kept only if hosts.per_account is on")
    .action((options: Common & { user?: string }) => listHosts(options));
  reading(hosts, "add <host>", "Adds a host by hand")
    .option("--service <service>", "what it is to be listed under", "Manual")
    .option("--source <address>", "where its client was")
    .action((host: string, options: Common & { service: string; source?: string }) => addHost(host, options));
  reading(hosts, "remove <host...>", "Removes hosts until they are seen anew").action(
    (names: readonly string[], options: Common) => removeHosts(names, options),
  );
  reading(hosts, "clear", "Removes all hosts until they are seen anew")
    .option("--yes", "really")
    .action((options: Common & { yes?: boolean }) => clearHosts(options));
  reading(hosts, "scan", "Reads the ends of the logs once more and lists what is new").action(
    (options: Common) => scanHosts(options),
  );
  reading(hosts, "watch", "New hosts as they come").action((options: Common) => watchHosts(options));
  reading(hosts, "status", "How the capture and its taps are").action((options: Common) =>
    showCapture(options),
  );
  for (const [word, on] of [
    ["on", true],
    ["off", false],
  ] as const) {
    reading(hosts, word, `Switches the capture ${word}, now and at boot`).action((options: Common) =>
      switchCapture(on, options),
    );
  }
  command(hosts, "link", "Puts hosts.log where it is looked for; run as root before the capture").action(
    (options: Common) => linkHosts(options),
  );

  const config = root.command("config").description("The settings");
  reading(config, "check", "Reads the settings and reports every problem").action((options: Common) =>
    checkConfig(options),
  );
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

/** What people order about users: `users`, `user`, `limit`, `reset`, `disable`, `enable`, `delete`. */
import { type Command, Option } from "commander";
import { parsePeriod } from "../../rules.ts";
import { parseSize } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { asArgument, type Common, reading } from "./command-line.ts";

export interface LimitOptions {
  readonly daily?: Bytes;
  readonly period?: string;
  readonly service?: readonly string[];
  readonly create?: boolean;
  readonly yes?: boolean;
}

export function addUserCommands(root: Command): void {
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
    .option(
      "--service <service...>",
      "the limit ends only these for good (ssh); else all he has; with --create what he is (xray, ssh, openvpn)",
    )
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
}

/**
 * `cek-bw-limit`: what the old command is called with. The work is done in
 * limit-commands.ts, which is loaded when a command needs it.
 *
 * What was a defect is not kept: a limit that is no whole number is refused
 * instead of deleting the user, and missing arguments exit with 2, not 0.
 */
import { Command } from "commander";
import { VERSION } from "../../version.ts";
import { ACCOUNT_TYPES } from "./account-types.ts";
import { requireRoot } from "./root-only.ts";

export function cekBwLimit(): Command {
  const root = new Command("cek-bw-limit").version(VERSION).exitOverride().showHelpAfterError();
  root.option("--config <file>", "settings other than /etc/myvpn/sluice.json");
  root.hook("preAction", () => requireRoot(root.opts()));
  const commands = () => import("./limit-commands.ts");
  const command = (usage: string, description: string, options: { isDefault?: true; hidden?: true } = {}) =>
    root
      .command(usage, options)
      .description(description)
      .showHelpAfterError(`Usage: cek-bw-limit ${usage}`)
      .configureOutput({ outputError: (text, write) => write(MISSING.test(text) ? "" : text) });

  command("check", "one enforcement pass", { isDefault: true }).action(async () =>
    (await commands()).check(root.opts()),
  );
  command("show", "users, usage and limits; waits for a key on a terminal").action(async () =>
    (await commands()).show(root.opts()),
  );
  command("list", "the numbered table").action(async () => (await commands()).list(root.opts()));
  command(
    "add <username> <limit_mb> <type>",
    `sets a limit; type is one of ${ACCOUNT_TYPES.join(", ")}`,
  ).action(async (name: string, limit: string, type: string) =>
    (await commands()).add(root.opts(), name, limit, type),
  );
  command("set <username> <limit_mb>", "sets a limit in MB; 0 is unlimited").action(
    async (name: string, limit: string) => (await commands()).set(root.opts(), name, limit),
  );
  command("remove <username>", "removes a limit").action(async (name: string) =>
    (await commands()).remove(root.opts(), name),
  );
  command("reset <username>", "starts usage over at zero").action(async (name: string) =>
    (await commands()).reset(root.opts(), name),
  );
  command("reset-all", "starts everybody's usage over at zero").action(async () =>
    (await commands()).resetAll(root.opts()),
  );
  command("disable <username>", "locks a user out").action(async (name: string) =>
    (await commands()).setDisabled(root.opts(), name, true),
  );
  command("enable <username>", "lets a user in again").action(async (name: string) =>
    (await commands()).setDisabled(root.opts(), name, false),
  );
  command("usage <username>", "one user").action(async (name: string) =>
    (await commands()).usage(root.opts(), name),
  );
  command("status", "the service, the engines and the files").action(async () =>
    (await import("./service-status.ts")).showService(root.opts()),
  );
  command("menu", "the menu").action(async () =>
    (await import("../menu/run.ts")).runMenu("quota", root.opts()),
  );
  // What scripts/bw-tracking-lib reads: one process, one answer, nothing to parse.
  command("data <username> [key]", "figures for scripts", { hidden: true }).action(
    async (name: string, key: string | undefined) => (await commands()).data(root.opts(), name, key),
  );
  command("remaining <username>", "what is left, for scripts", { hidden: true }).action(
    async (name: string) => (await commands()).remaining(root.opts(), name),
  );
  return root;
}

/** The usage line says it all; the old command said no more. */
const MISSING = /^error: missing required argument/;

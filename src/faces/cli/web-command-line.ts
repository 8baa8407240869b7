/** What people order about the web's admins, tokens and certificate: `admin`, `token`, `web cert`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Role, Scope } from "../web/wire.ts";
import { type Common, command, reading } from "./command-line.ts";

export interface PasswordOptions {
  readonly generate?: boolean;
  readonly passwordStdin?: boolean;
}

export interface CertificateOptions extends Common {
  readonly host?: readonly string[];
  readonly yes?: boolean;
}

const ROLES: readonly Role[] = ["admin", "viewer"];
const SCOPES: readonly Scope[] = ["read", "metrics", "write"];

export function addWebCommands(root: Command): void {
  const web = command(root, "web", "Runs the dashboard's server").action(async (options: Common) =>
    (await import("./web.ts")).runWeb(options),
  );
  reading(web, "cert", "Makes a certificate of its own for the dashboard, without anybody's signature")
    .option("--host <name...>", "names and addresses it is for; else those of this host")
    .option("--yes", "in place of the one that is there")
    // --config is an option of `web` too, which takes it wherever it stands.
    .action(async (_options: CertificateOptions, cert: Command) =>
      (await import("./web-certificate.ts")).makeWebCertificate(cert.optsWithGlobals()),
    );
  addAdminCommands(root.command("admin").description("Who may sign in at the dashboard"));
  addTokenCommands(root.command("token").description("Tokens for programs that read the dashboard's API"));
}

function addAdminCommands(admin: Command): void {
  withPassword(command(admin, "add <name>", "Lets somebody in; the password is asked for"))
    .addOption(
      new Option("--role <role>", "a viewer changes nothing, and sees no hosts")
        .choices(ROLES)
        .default("admin"),
    )
    .action(async (name: string, options: Common & PasswordOptions & { role: Role }) =>
      (await import("./admins.ts")).addAdmin(name, options),
    );
  reading(admin, "list", "All who may sign in").action(async (options: Common) =>
    (await import("./admins.ts")).listAdmins(options),
  );
  command(admin, "remove <name>", "Lets somebody in no longer, and ends his logins").action(
    async (name: string, options: Common) => (await import("./admins.ts")).removeAdmin(name, options),
  );
  withPassword(command(admin, "password <name>", "Gives another password, and ends his logins")).action(
    async (name: string, options: Common & PasswordOptions) =>
      (await import("./admins.ts")).changePassword(name, options),
  );
  command(
    admin,
    "role <name> <role>",
    "Makes an admin a viewer, or the other way, and ends his logins",
  ).action(async (name: string, role: string, options: Common) =>
    (await import("./admins.ts")).changeRole(name, roleOf(role), options),
  );
}

function withPassword(subcommand: Command): Command {
  return subcommand
    .addOption(new Option("--generate", "make a password, and say it once").conflicts("passwordStdin"))
    .option("--password-stdin", "read it from standard input: its first line");
}

function addTokenCommands(token: Command): void {
  reading(token, "add <name>", "Makes a token, and says it once")
    .addOption(
      new Option(
        "--scope <scope...>",
        "read: what a viewer sees; metrics: /metrics alone; write: what an admin does to accounts",
      )
        .choices(SCOPES)
        .makeOptionMandatory(),
    )
    .action(async (name: string, options: Common & { scope: readonly Scope[] }) =>
      (await import("./tokens.ts")).addToken(name, options),
    );
  reading(token, "list", "All tokens, without what they are").action(async (options: Common) =>
    (await import("./tokens.ts")).listTokens(options),
  );
  command(token, "revoke <id>", "Ends a token, by its number in the list").action(
    async (id: string, options: Common) => (await import("./tokens.ts")).revokeToken(numberOf(id), options),
  );
}

function roleOf(text: string): Role {
  const role = ROLES.find((one) => one === text);
  if (role) return role;
  throw new InvalidArgumentError(`Cannot use "${text}" as a role: expected ${ROLES.join(" or ")}`);
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(
    `Cannot use "${text}" as a token: expected its number, as token list has it`,
  );
}

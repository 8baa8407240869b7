/** `users`, `user`, `limit`, `reset`, `disable`, `enable`, `delete`. */
import type { Settings } from "../../config.ts";
import type { UserRow } from "../../control/rows.ts";
import { RefusedRequestError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import { withDesk } from "./access.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import { limitOf, stateOf, userBlock, usersTable } from "./user-text.ts";
import type { LimitOptions } from "./users-command-line.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

const LATER = "\nThe daemon is not running: this takes effect when it starts.";

export async function showUsers(options: Options): Promise<void> {
  const rows = await withDesk(await settingsFor(options), (desk) => desk.listUsers(""));
  answer(options, rows, () =>
    rows.length === 0 ? "No users yet: none was seen in an engine." : usersTable(rows),
  );
}

export async function showUser(name: string, options: Options): Promise<void> {
  const [row] = await withDesk(await settingsFor(options), (desk) => desk.listUsers(name));
  answer(options, row, () => userBlock(row as UserRow));
}

export async function setLimit(name: string, total: Bytes, options: Options & LimitOptions): Promise<void> {
  const request = {
    name,
    totalBytes: total,
    dailyBytes: options.daily,
    period: options.period ?? "",
    yes: options.yes === true,
    create: options.create === true,
    services: options.service ?? [],
  };
  const settings = await settingsFor(options);
  await withDesk(settings, async (desk, viaDaemon) => {
    const row = await desk.setLimit(request, "the administrator");
    answer(options, row, () => {
      const text = `${row.name}: limit ${limitOf(row)}, ${stateOf(row)}${atTotalLimit(row, settings)}`;
      return viaDaemon ? text : text + LATER;
    });
  });
}

export async function resetUsers(
  name: string | undefined,
  options: Options & { all?: boolean },
): Promise<void> {
  if ((name === undefined) !== (options.all === true)) {
    throw new RefusedRequestError(
      "Cannot reset: expected a name or --all, got " + (name === undefined ? "neither" : "both"),
    );
  }
  await withDesk(await settingsFor(options), async (desk, viaDaemon) => {
    const rows = await desk.reset({ name: name ?? "", all: options.all === true }, "the administrator");
    answer(options, rows, () => `${rows.length} reset${viaDaemon ? "" : LATER}`);
  });
}

export async function setDisabled(name: string, disabled: boolean, options: Options): Promise<void> {
  await withDesk(await settingsFor(options), async (desk, viaDaemon) => {
    const row = await desk.setDisabled(name, disabled, "the administrator");
    answer(options, row, () => `${row.name}: ${stateOf(row)}${viaDaemon ? "" : LATER}`);
  });
}

export async function deleteUser(
  name: string,
  options: Options & { yes?: boolean; keepLogin?: boolean },
): Promise<void> {
  const keepLogin = options.keepLogin === true;
  await withDesk(await settingsFor(options), async (desk) => {
    const [row] = await desk.listUsers(name);
    const login = row?.services.includes("ssh") === true && !keepLogin;
    if (!options.yes) {
      const what = login
        ? "his login on this host, with crontab and home, and his usage and limits would be deleted (--keep-login leaves the login)"
        : "his usage and limits would be forgotten";
      throw new RefusedRequestError(`Cannot delete "${name}" without --yes: ${what}`);
    }
    await desk.delete(name, keepLogin, "the administrator");
    answer(
      options,
      { deleted: name, login },
      () => `${name}: ${login ? "login and account" : "account"} deleted`,
    );
  });
}

/** What the total limit does beyond a cut, where it does: an operator shall know before it happens. */
function atTotalLimit({ enrolled, totalLimitBytes }: UserRow, { ssh }: Settings): string {
  if (totalLimitBytes === 0 || !enrolled.includes("ssh") || !ssh || ssh.onLimit === "cut") return "";
  return `; at the total limit his SSH login is ${ssh.onLimit === "delete" ? "deleted" : "locked"} (ssh.on_limit)`;
}

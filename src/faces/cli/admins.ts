/** `admin add`, `list`, `remove`, `password`, `role`. */
import { hashPassword } from "../web/auth/password-hash.ts";
import type { Role } from "../web/wire.ts";
import { newPassword } from "./ask-password.ts";
import { type Column, tableText } from "./columns.ts";
import type { Common } from "./command-line.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import type { PasswordOptions } from "./web-command-line.ts";
import { withWebStore } from "./web-store.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", align: "left" },
  { title: "ROLE", align: "left" },
  { title: "SINCE", align: "left" },
];

export async function addAdmin(
  name: string,
  options: Common & PasswordOptions & { role: Role },
): Promise<void> {
  await withWebStore(await settingsFor(options), async ({ admins }) => {
    admins.refuseToAdd(name); // before a password is asked for
    const { password, made } = await newPassword(name, options);
    admins.add({ name, role: options.role, password: await hashPassword(password) }, Date.now());
    answer(options, {}, () => `${name} may sign in as ${options.role}${said(password, made)}`);
  });
}

export async function listAdmins(options: Common): Promise<void> {
  await withWebStore(await settingsFor(options), ({ admins }) => {
    const rows = admins.list().map(({ name, role, createdAt }) => ({ name, role, createdAt }));
    answer(options, rows, () =>
      rows.length === 0
        ? "Nobody may sign in yet: sluice admin add NAME lets somebody in."
        : tableText(
            COLUMNS,
            rows.map(({ name, role, createdAt }) => [name, role, new Date(createdAt).toISOString()]),
          ),
    );
  });
}

export async function removeAdmin(name: string, options: Common): Promise<void> {
  await withWebStore(await settingsFor(options), ({ admins, tokens }) => {
    admins.remove(name);
    const his = tokens.list().filter(({ createdBy }) => createdBy === name);
    const left = his.map((token) => `${token.id} "${token.name}"`).join(", ");
    answer(options, {}, () =>
      his.length === 0
        ? `${name} may sign in no longer`
        : `${name} may sign in no longer; the tokens he made go on until they are revoked: ${left}`,
    );
  });
}

export async function changePassword(name: string, options: Common & PasswordOptions): Promise<void> {
  await withWebStore(await settingsFor(options), async ({ admins }) => {
    admins.known(name);
    const { password, made } = await newPassword(name, options);
    admins.change(name, { password: await hashPassword(password) });
    answer(
      options,
      {},
      () => `${name} has another password, and is signed out everywhere${said(password, made)}`,
    );
  });
}

export async function changeRole(name: string, role: Role, options: Common): Promise<void> {
  await withWebStore(await settingsFor(options), ({ admins }) => {
    admins.change(name, { role });
    answer(options, {}, () => `${name} is ${role} now, and is signed out everywhere`);
  });
}

function said(password: string, made: boolean): string {
  return made ? `; the password, said this once: ${password}` : "";
}

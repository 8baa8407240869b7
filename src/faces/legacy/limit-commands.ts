/** What `cek-bw-limit` does, in its old words. */
import type { Desk, UserRow } from "../../control/rows.ts";
import { RefusedRequestError, UnknownUserError } from "../../errors.ts";
import { printable } from "../../log.ts";
import { LoginFile, tunnelLogins } from "../../sources/ssh/logins.ts";
import { daemonDesk, withDesk } from "../cli/access.ts";
import { NO_SUCH_USER } from "../cli/exit-status.ts";
import { quietLog, settingsFor } from "../cli/settings-for.ts";
import { pressAnyKey } from "../terminal/any-key.ts";
import { paletteFor } from "../terminal/palette.ts";
import { ACCOUNT_TYPES } from "./account-types.ts";
import { switchedText, typeOf } from "./old-words.ts";
import { listTable, passText, showTable, type TableStyle, usageBlock } from "./tables.ts";
import { remainingText, usageData } from "./usage-data.ts";

interface Options {
  readonly config?: string;
}

const BY = "cek-bw-limit";
const MEGABYTE = 1024 * 1024;
/** How long a single pass without a daemon may take: connect, read, cut, look again. */
const PASS_MS = 3_000;

/** With a daemon, which never stops passing, this tells where it has got to; without one it is a pass. */
export async function check(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  const daemon = await daemonDesk(settings);
  if (daemon) {
    using client = daemon.client;
    process.stdout.write(passText([], await client.listUsers("")));
    return;
  }
  const { openOffice } = await import("../../enforce.ts");
  await using office = await openOffice({ settings, log: quietLog, mode: settings.mode, wait: undefined });
  const before = await office.desk.listUsers("");
  await office.run(AbortSignal.timeout(PASS_MS));
  process.stdout.write(passText(before, await office.desk.listUsers("")));
}

export async function show(options: Options): Promise<void> {
  say(showTable(await atDesk(options, (desk) => desk.listUsers("")), styleOf(process.stdout)));
  if (process.stdin.isTTY && process.stdout.isTTY) await pressAnyKey("Press any key to continue");
}

export async function list(options: Options): Promise<void> {
  say(listTable(await atDesk(options, (desk) => desk.listUsers("")), styleOf(process.stdout)));
}

/**
 * Makes the account if it is not there yet: the old scripts call this right
 * after they made the login or the engine's user. A type of `ssh` enrols the
 * login alone, any other the engine's users alone, as far as he has such.
 */
export async function add(options: Options, name: string, limit: string, type: string): Promise<void> {
  if (!(ACCOUNT_TYPES as readonly string[]).includes(type)) {
    throw new RefusedRequestError(
      `Cannot add "${name}": expected a type of ${ACCOUNT_TYPES.join(", ")}, got "${type}"`,
    );
  }
  const totalBytes = limitOf(name, limit);
  const service = type === "ssh" || type === "openvpn" ? type : "xray";
  await atDesk(options, async (desk) => {
    const row = await rowOf(desk, name);
    const services = !row || row.services.includes(service) ? [service] : [];
    await setTotal(desk, name, { totalBytes, create: true, services });
  });
  say(`Bandwidth limit set: ${printable(name)} = ${Number(limit)} MB (${type})`);
}

/** As `add`, with the type that is known or, for a login nobody metered yet, found. */
export async function set(options: Options, name: string, limit: string): Promise<void> {
  const totalBytes = limitOf(name, limit);
  const settings = await settingsFor(options);
  const type = await withDesk(settings, async (desk) => {
    const row = await rowOf(desk, name);
    if (!row && !(settings.ssh && isLogin(name, settings.ssh.minUid))) return undefined;
    await setTotal(desk, name, { totalBytes, create: !row, services: row ? [] : ["ssh"] });
    return row ? typeOf(row) : "ssh";
  });
  if (type === undefined) return refuse(`Cannot detect account type for ${name}`);
  say(`Bandwidth limit set: ${printable(name)} = ${Number(limit)} MB (${type})`);
}

export async function remove(options: Options, name: string): Promise<void> {
  await forUser(options, name, async (desk) => {
    await setTotal(desk, name, { totalBytes: 0, create: false, services: [] });
    return `Limit removed for user: ${printable(name)}`;
  });
}

export async function reset(options: Options, name: string): Promise<void> {
  await forUser(options, name, async (desk) => {
    await desk.reset({ name, all: false }, BY);
    return `Usage reset for user: ${printable(name)}`;
  });
}

export async function resetAll(options: Options): Promise<void> {
  const rows = await atDesk(options, (desk) => desk.reset({ name: "", all: true }, BY));
  say(`Usage reset for ${rows.length} users`);
}

export async function setDisabled(options: Options, name: string, disabled: boolean): Promise<void> {
  await forUser(options, name, async (desk) => {
    const { services } = await desk.setDisabled(name, disabled, BY);
    return switchedText(printable(name), services, disabled);
  });
}

export async function usage(options: Options, name: string): Promise<void> {
  await forUser(options, name, async (desk) => {
    const [row] = await desk.listUsers(name);
    return usageBlock(row as UserRow, styleOf(process.stdout).palette);
  });
}

/** One figure of a user or, without `key`, all nine as JSON with a key on each line. */
export async function data(options: Options, name: string, key: string | undefined): Promise<void> {
  await forUser(options, name, async (desk) => {
    const all = usageData((await desk.listUsers(name))[0] as UserRow);
    if (key === undefined) return JSON.stringify(all, null, 2);
    const value = Object.entries(all).find(([known]) => known === key)?.[1];
    if (value !== undefined) return printable(String(value));
    throw new RefusedRequestError(
      `Cannot tell "${key}" of "${name}": expected one of ${Object.keys(all).join(", ")}`,
    );
  });
}

export async function remaining(options: Options, name: string): Promise<void> {
  await forUser(options, name, async (desk) => remainingText((await desk.listUsers(name))[0] as UserRow));
}

async function atDesk<Result>(options: Options, work: (desk: Desk) => Promise<Result>): Promise<Result> {
  return withDesk(await settingsFor(options), work);
}

/** Says what `work` answers or, in the old words, that there is no such user. */
async function forUser(options: Options, name: string, work: (desk: Desk) => Promise<string>): Promise<void> {
  try {
    say(await atDesk(options, work));
  } catch (error) {
    if (!(error instanceof UnknownUserError)) throw error;
    refuse(`User ${name} not found in bandwidth limit list`);
  }
}

async function rowOf(desk: Desk, name: string): Promise<UserRow | undefined> {
  try {
    return (await desk.listUsers(name))[0];
  } catch (error) {
    if (error instanceof UnknownUserError) return undefined;
    throw error;
  }
}

async function setTotal(
  desk: Desk,
  name: string,
  order: { readonly totalBytes: number; readonly create: boolean; readonly services: readonly string[] },
): Promise<void> {
  // The old command never asked; a limit below what is used cuts, as it always did.
  await desk.setLimit({ name, ...order, dailyBytes: undefined, period: "", yes: true }, BY);
}

/** @throws {RefusedRequestError} for anything but whole megabytes; the old command computed with it. */
function limitOf(name: string, limit: string): number {
  if (/^\d{1,10}$/.test(limit)) return Number(limit) * MEGABYTE;
  throw new RefusedRequestError(
    `Cannot set the limit of "${name}": expected whole megabytes, 0 for unlimited, got "${limit}"`,
  );
}

function isLogin(name: string, minUid: number): boolean {
  return tunnelLogins(new LoginFile().read(), minUid).logins.some((login) => login.name === name);
}

function styleOf(stream: NodeJS.WriteStream): TableStyle {
  return { palette: paletteFor(stream, process.env), clip: stream.isTTY };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** There is no such user. */
function refuse(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
  process.exitCode = NO_SUCH_USER;
}

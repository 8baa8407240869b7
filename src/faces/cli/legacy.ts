/**
 * `cek-bw-limit`: the old command, with its arguments, tables and words.
 *
 * Sizes are whole megabytes of 1,048,576 bytes. What was a defect is not kept:
 * a limit that is no number is refused instead of deleting the user, and
 * missing arguments exit with 2.
 */
import { Command } from "commander";
import type { Desk, UserRow } from "../../control/rows.ts";
import { openOffice } from "../../enforce.ts";
import { RefusedRequestError } from "../../errors.ts";
import { wholeMegabytes } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { VERSION } from "../../version.ts";
import { daemonDesk, withDesk } from "./access.ts";
import { quietLog, settingsFor } from "./settings-for.ts";

const TYPES = ["ssh", "vmess", "vless", "trojan", "ssws"] as const;
const MEGABYTE = 1024 * 1024;
/** How long a single pass without a daemon may take: connect, read, cut, look again. */
const PASS_MS = 3_000;

export function legacyProgram(): Command {
  const root = new Command("cek-bw-limit").version(VERSION).exitOverride().showHelpAfterError();
  root.option("--config <file>", "settings other than /etc/myvpn/sluice.json");
  const work = async (task: (desk: Desk) => Promise<string>) => {
    const said = await withDesk(await settingsFor(root.opts()), task);
    process.stdout.write(`${said}\n`);
  };
  root
    .command("check", { isDefault: true })
    .description("one enforcement pass")
    .action(() => check(root.opts()));
  root
    .command("show")
    .description("users, usage and limits")
    .action(() => work(async (desk) => showTable(await limited(desk))));
  root
    .command("list")
    .description("the numbered table")
    .action(() => work(async (desk) => listTable(await limited(desk))));
  root
    .command("add <username> <limit_mb> <type>")
    .description(`sets a limit; type is one of ${TYPES.join(", ")}`)
    .action((name: string, limit: string, type: string) => work((desk) => add(desk, name, limit, type)));
  root
    .command("set <username> <limit_mb>")
    .description("sets a limit in MB; 0 is unlimited")
    .action((name: string, limit: string) => work((desk) => set(desk, name, limit, false)));
  root
    .command("remove <username>")
    .action((name: string) =>
      work(async (desk) => (await setTotal(desk, name, 0, false), `Limit removed for user: ${name}`)),
    );
  root
    .command("reset <username>")
    .action((name: string) =>
      work(
        async (desk) => (
          await desk.reset({ name, all: false }, "cek-bw-limit"), `Usage reset for user: ${name}`
        ),
      ),
    );
  root
    .command("reset-all")
    .action(() =>
      work(
        async (desk) =>
          `Usage reset for ${(await desk.reset({ name: "", all: true }, "cek-bw-limit")).length} users`,
      ),
    );
  for (const [word, disabled] of [
    ["disable", true],
    ["enable", false],
  ] as const) {
    root
      .command(`${word} <username>`)
      .action((name: string) =>
        work(
          async (desk) => (
            await desk.setDisabled(name, disabled, "cek-bw-limit"), `User ${name} has been ${word}d`
          ),
        ),
      );
  }
  root
    .command("usage <username>")
    .action((name: string) => work(async (desk) => usageBlock((await desk.listUsers(name))[0] as UserRow)));
  return root;
}

async function check(options: { config?: string }): Promise<void> {
  const settings = await settingsFor(options);
  const daemon = await daemonDesk(settings);
  if (daemon) {
    using client = daemon.client;
    process.stdout.write(exceededText(await client.listUsers("")));
    return;
  }
  await using office = await openOffice({ settings, log: quietLog, mode: settings.mode, wait: undefined });
  await office.run(AbortSignal.timeout(PASS_MS));
  process.stdout.write(exceededText(await office.desk.listUsers("")));
}

function exceededText(rows: readonly UserRow[]): string {
  return rows
    .filter(({ state }) => state === "limited")
    .map(
      (row) =>
        `User ${row.name} exceeded bandwidth limit (${mb(row.totalBytes)} MB / ${mb(row.totalLimitBytes)} MB)\n`,
    )
    .join("");
}

async function limited(desk: Desk): Promise<readonly UserRow[]> {
  return (await desk.listUsers("")).filter((row) => row.totalLimitBytes > 0 || row.dailyLimitBytes > 0);
}

async function add(desk: Desk, name: string, limit: string, type: string): Promise<string> {
  if (!(TYPES as readonly string[]).includes(type)) {
    throw new RefusedRequestError(
      `Cannot add "${name}": expected a type of ${TYPES.join(", ")}, got "${type}"`,
    );
  }
  return `${await set(desk, name, limit, true)} (${type})`;
}

async function set(desk: Desk, name: string, limit: string, create: boolean): Promise<string> {
  if (!/^\d{1,10}$/.test(limit)) {
    throw new RefusedRequestError(
      `Cannot set the limit of "${name}": expected whole megabytes, 0 for unlimited, got "${limit}"`,
    );
  }
  await setTotal(desk, name, Number(limit) * MEGABYTE, create);
  return `Bandwidth limit set: ${name} = ${Number(limit)} MB`;
}

async function setTotal(desk: Desk, name: string, totalBytes: number, create: boolean): Promise<void> {
  // The old command never asked; a limit below what is used cuts, as it always did.
  await desk.setLimit(
    { name, totalBytes, dailyBytes: undefined, period: "", yes: true, create },
    "cek-bw-limit",
  );
}

function showTable(rows: readonly UserRow[]): string {
  if (rows.length === 0) return "No users with data limits found";
  const widths = [12, 10, 10, 10, 10, 8, 10];
  const head = ["USERNAME", "DAILY(MB)", "TOTAL(MB)", "LIMIT(MB)", "REMAIN(MB)", "TYPE", "STATUS"];
  const body = rows.map((row) => [
    row.name,
    mb(row.dailyBytes),
    mb(row.totalBytes),
    mb(row.totalLimitBytes),
    row.remainingBytes < 0 ? "∞" : mb(row.remainingBytes),
    row.services[0] ?? "-",
    statusOf(row, { warning: "WARNING", exceeded: "EXCEEDED", unlimited: "UNLIMITED" }),
  ]);
  return [head, ...body].map((line) => padded(line, widths)).join("\n");
}

function listTable(rows: readonly UserRow[]): string {
  if (rows.length === 0) return "No users with data limits found";
  const widths = [4, 15, 10, 12, 10, 8, 10];
  const head = ["NO", "USERNAME", "USED(MB)", "LIMIT(MB)", "TYPE", "PERCENT", "STATUS"];
  const body = rows.map((row, index) => [
    String(index + 1),
    row.name,
    mb(row.totalBytes),
    mb(row.totalLimitBytes),
    row.services[0] ?? "-",
    percentOf(row),
    statusOf(row, { warning: "WARN", exceeded: "EXCEED", unlimited: "UNLIM" }),
  ]);
  return [...[head, ...body].map((line) => padded(line, widths)), `Total Users: ${rows.length}`].join("\n");
}

function usageBlock(row: UserRow): string {
  return [
    `Username     : ${row.name}`,
    `Account Type : ${row.services[0] ?? "-"}`,
    `Used         : ${mb(row.totalBytes)} MB`,
    `Limit        : ${row.totalLimitBytes > 0 ? `${mb(row.totalLimitBytes)} MB` : "Unlimited"}`,
    `Percentage   : ${percentOf(row)}`,
    `Status       : ${statusOf(row, { warning: "WARNING", exceeded: "EXCEEDED", unlimited: "UNLIMITED" })}`,
  ].join("\n");
}

function statusOf(row: UserRow, words: { warning: string; exceeded: string; unlimited: string }): string {
  switch (row.state) {
    case "ok":
      return "OK";
    case "warning":
      return words.warning;
    case "limited":
      return words.exceeded;
    case "unlimited":
      return words.unlimited;
    case "disabled":
      return "DISABLED";
    default:
      return row.state satisfies never;
  }
}

function percentOf(row: UserRow): string {
  return row.totalLimitBytes > 0 ? `${Math.floor((row.totalBytes / row.totalLimitBytes) * 100)}%` : "-";
}

function padded(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join(" ")
    .trimEnd();
}

function mb(size: number): string {
  return String(wholeMegabytes(size as Bytes));
}

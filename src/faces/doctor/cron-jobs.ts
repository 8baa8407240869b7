/** What cron runs: /etc/crontab, /etc/cron.d, and the users' own tables (crontab(5)). */
import { codeOf } from "../../errors.ts";
import type { Host } from "./host.ts";

export interface CronJob {
  readonly file: string;
  /** The line without its times, and without the user where the table has one. */
  readonly command: string;
}

const SYSTEM_FOLDER = "/etc/cron.d";
const USER_FOLDERS = ["/var/spool/cron/crontabs", "/var/spool/cron"];

export function cronJobs(host: Host): readonly CronJob[] {
  const system = ["/etc/crontab", ...filesIn(host, SYSTEM_FOLDER)].flatMap((file) =>
    jobsIn(host, file, true),
  );
  const users = USER_FOLDERS.flatMap((folder) => filesIn(host, folder)).flatMap((file) =>
    jobsIn(host, file, false),
  );
  return [...system, ...users];
}

/** cron passes over names with a dot, as of files that were put aside. */
function filesIn(host: Host, folder: string): string[] {
  return namesIn(host, folder)
    .filter((name) => /^[\w-]+$/.test(name))
    .map((name) => `${folder}/${name}`);
}

function namesIn(host: Host, folder: string): readonly string[] {
  try {
    return host.entries(folder);
  } catch (error) {
    if (codeOf(error) === "EACCES") return []; // users' tables are root's to read
    throw error;
  }
}

function jobsIn(host: Host, file: string, withUser: boolean): CronJob[] {
  if (!host.stat(file)?.isFile()) return [];
  return (host.read(file) ?? "").split("\n").flatMap((line) => {
    const command = (withUser ? SYSTEM_LINE : USER_LINE).exec(line.trim())?.[1];
    return command === undefined ? [] : [{ file, command }];
  });
}

const TIMES = String.raw`(?:@\w+|(?:[\d*][^\s]*\s+){4}[\w*][^\s]*)`;
const USER_LINE = new RegExp(`^${TIMES}\\s+(.+)$`);
const SYSTEM_LINE = new RegExp(`^${TIMES}\\s+\\S+\\s+(.+)$`);

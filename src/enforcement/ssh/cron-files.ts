/**
 * Files of /etc/cron.d that run as one login (crontab(5)).
 *
 *   minute hour day month weekday  USER  command        or  @reboot  USER  command
 *   NAME = value     # comment
 *
 * A file belongs to a login if every job in it runs as him. The scripts that
 * came before deleted each line with his name in it: a user called like a word
 * of a command took other people's jobs with him.
 *
 * Pure: no clock, no I/O.
 */

/** Whose a file is: "his" alone, "shared" with others, or "other" when no job of it is his. */
export function ownerOfCronFile(text: string, name: string): "his" | "shared" | "other" {
  const users = jobsIn(text).map(userOf);
  const his = users.filter((user) => user === name).length;
  if (his === 0) return "other";
  return his === users.length ? "his" : "shared";
}

function jobsIn(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#") && !/^["']?\w+["']?\s*=/.test(line));
}

function userOf(job: string): string | undefined {
  const words = job.split(/\s+/);
  return job.startsWith("@") ? words[1] : words[5];
}

/** What an operator should know of Dropbear's users: whose traffic cannot be seen, and why. */
import { processUid } from "../../kernel/process.ts";

export interface SessionFacts {
  readonly sessions: readonly {
    readonly pid: number;
    readonly late: boolean;
    readonly user: string | undefined;
  }[];
  /** Why forks and logins are not told of, if so. */
  readonly forks: string | undefined;
  readonly log: string | undefined;
  /** How many connections another program's listener handed over. */
  readonly inetd: number;
  /** How many login lines named another user than the one before. */
  readonly contradictions: number;
}

export function sessionNotes({ sessions, forks, log, inetd, contradictions }: SessionFacts): string[] {
  const nobodys = sessions.filter(({ late, user }) => late && user === undefined).length;
  return [
    forks !== undefined &&
      `Dropbear's connections are first seen as they log in, and what is opened in that moment may pass uncounted: ${forks}`,
    log !== undefined && `who logs in through Dropbear cannot be read, so its users are not counted: ${log}`,
    nobodys > 0 &&
      `${nobodys} Dropbear connections were open before they could be watched, and no login line tells whose they are: not counted until they log in anew`,
    inetd > 0 &&
      `${inetd} Dropbear connections came by way of another program's listener (dropbear -i): not counted`,
    contradictions > 0 &&
      `${contradictions} login lines named another user for a Dropbear connection that had one: the first was believed`,
    sessions.some(({ pid, user }) => user !== undefined && (processUid(pid) ?? 0) > 0) &&
      "Dropbear gives up root after a login here (2025.89 and later): its users are known by their uid",
  ].filter((note) => note !== false);
}

/**
 * Who is logged in by SSH: for the web, and for the history.
 *
 * A login lasts as long as its process. The client's address is that of the
 * connection the process holds, by the kernel's word: a log may be off, and any
 * local user can write into it.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { SshLoginRow } from "../control/rows.ts";
import type { LoginRecord } from "../history/records.ts";
import { bootId, processStart, startMoment } from "../kernel/process.ts";
import { socketInodesOf } from "../kernel/processes.ts";
import type { Endpoint, SocketTable } from "../kernel/sockets.ts";
import { type KeeperName, keeperName } from "../names.ts";
import { periodicJob } from "../scheduler/periodic.ts";
import type { Job } from "../scheduler/scheduler.ts";
import { type LoginProcess, loginProcesses, type SshDaemon } from "../sources/ssh/login-processes.ts";
import { ProcessLook } from "../sources/ssh/process-look.ts";
import { milliseconds, type UnixTime } from "../units.ts";
import type { Entry } from "./books.ts";
import { SSH } from "./ssh-backend.ts";
import type { SshPart } from "./ssh-part.ts";

export interface SshPresenceOptions {
  readonly part: Pick<SshPart, "metered" | "rootUsers">;
  readonly sockets: Pick<SocketTable, "listOwnedBy">;
  readonly clock: Clock;
  readonly onLogin: (record: LoginRecord) => void;
  /** All logins of that daemon that last were told. */
  readonly onLook: (keeper: KeeperName) => void;
}

interface Present {
  readonly entry: Entry;
  readonly daemon: SshDaemon;
  readonly pid: number;
  /** Undefined where its connection was not found. */
  readonly client: Endpoint | undefined;
  readonly since: UnixTime;
}

const PERIOD = milliseconds(3_000);
const DAEMONS: readonly SshDaemon[] = ["sshd", "dropbear"];
/** New logins looked at without letting others have their turn. */
const AT_ONCE = 20;

export class SshPresence {
  readonly job: Job = periodicJob("ssh logins", PERIOD, () => this.look());
  readonly #options: SshPresenceOptions;
  readonly #processes = new ProcessLook();
  readonly #boot = bootId();
  /** By process, told from any other with its pid. */
  #here: ReadonlyMap<string, Present> = new Map();

  constructor(options: SshPresenceOptions) {
    this.#options = options;
  }

  /** Those that last, by account and beginning. */
  rows(): readonly SshLoginRow[] {
    return [...this.#here.values()]
      .map(({ entry, daemon, pid, client, since }) => ({
        account: entry.standing.name as string,
        ...{ daemon, pid, address: client?.address ?? "", port: client?.port ?? 0, sinceMs: since },
        denied: entry.verdict.kind === "deny",
      }))
      .sort(
        (left, right) =>
          Number(left.account > right.account) - Number(left.account < right.account) ||
          left.sinceMs - right.sinceMs ||
          left.pid - right.pid,
      );
  }

  async look(): Promise<void> {
    const { part, onLogin, onLook, clock } = this.#options;
    const known = new Set(this.#here.values().map(({ pid }) => pid));
    const processes = loginProcesses(await this.#processes.look(), part.rootUsers(), known);
    const entryOf = entriesOf(part);
    const clients = new Clients(this.#options.sockets);
    const before = this.#here;
    const here = new Map<string, Present>();
    for (const [at, process] of processes.entries()) {
      if (at % AT_ONCE === AT_ONCE - 1) await turn();
      const entry = entryOf(process);
      const start = processStart(process.pid);
      if (!entry || start === undefined) continue;
      const key = `${process.pid}-${start}`;
      const met = before.get(key);
      const { pid, daemon } = process;
      const since = met?.since ?? startMoment(start, clock.unix());
      here.set(key, { entry, daemon, pid, since, client: met?.client ?? clients.of(pid) });
    }
    this.#here = here;
    for (const [key, present] of here) onLogin(this.#record(key, present, undefined));
    for (const [key, present] of before) {
      if (!here.has(key)) onLogin(this.#record(key, present, clock.unix()));
    }
    for (const daemon of DAEMONS) onLook(keeperName(daemon));
  }

  #record(key: string, { entry, daemon, client, since }: Present, ended: UnixTime | undefined): LoginRecord {
    const { name } = entry.standing;
    return {
      ...{ id: `${SSH}:${this.#boot}:${key}`, account: name, service: SSH, keeper: daemon },
      ...{ began: since, ended, realAddress: client ? placeText(client) : "" },
      // An account's bytes are counted, not those of each of its logins.
      ...{ address4: "", address6: "", up: 0, down: 0, exact: false },
    };
  }
}

function entriesOf(part: Pick<SshPart, "metered">): (process: LoginProcess) => Entry | undefined {
  const byUser = new Map<number | string, Entry>();
  for (const { user, login, entry } of part.metered()) byUser.set(login.uid, entry).set(user, entry);
  return ({ user }) => byUser.get(user);
}

/** Clients' ends of root's connections; they are asked for once, and only if somebody is new. */
class Clients {
  readonly #sockets: Pick<SocketTable, "listOwnedBy">;
  #byInode: ReadonlyMap<number, Endpoint> | undefined;

  constructor(sockets: Pick<SocketTable, "listOwnedBy">) {
    this.#sockets = sockets;
  }

  /** The connection of its lowest descriptor is the one it was made for: others came later. */
  of(pid: number): Endpoint | undefined {
    this.#byInode ??= new Map(this.#sockets.listOwnedBy(0).map(({ inode, remote }) => [inode, remote]));
    return socketInodesOf(pid)
      .values()
      .map((inode) => this.#byInode?.get(inode))
      .find((client) => client !== undefined);
  }
}

function placeText({ address, port }: Endpoint): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

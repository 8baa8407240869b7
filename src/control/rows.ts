/** What the control service says, as the wire has it. Bytes below 2^53 travel as numbers. */
export type UserState = "ok" | "warning" | "limited" | "disabled" | "unlimited";

export interface UserRow {
  readonly name: string;
  readonly state: UserState;
  readonly gate: string;
  readonly dailyBytes: number;
  readonly totalBytes: number;
  readonly dailyLimitBytes: number;
  readonly totalLimitBytes: number;
  /** -1 when unlimited. */
  readonly remainingBytes: number;
  readonly dailyUplinkBytes: number;
  readonly dailyDownlinkBytes: number;
  readonly totalUplinkBytes: number;
  readonly totalDownlinkBytes: number;
  readonly lifetimeUplinkBytes: number;
  readonly lifetimeDownlinkBytes: number;
  /** Bytes a second over the last second or so. */
  readonly uplinkRate: number;
  readonly downlinkRate: number;
  readonly period: string;
  readonly day: string;
  readonly periodStart: string;
  readonly updatedMs: number;
  readonly services: readonly string[];
  /** By which he comes to his engines, in lower case as their configs have them: "vless"; empty where no config is read. */
  readonly protocols: readonly string[];
  /** Services that may be ended for good at the total limit. */
  readonly enrolled: readonly string[];
  /** About how much more he fetched that an engine counts only when it ends: an estimate, booked nowhere. 0 in what `watch` tells. */
  readonly unreportedBytes: number;
  /** By what he is stopped at his limit, at each keeper; empty in what `watch` tells. */
  readonly stops: readonly StopStep[];
}

export interface StopStep {
  readonly keeper: string;
  readonly step: "gate" | "cut" | "report";
  /** What was seen, or what keeps it from a better step and lifts that; one sentence without its full stop. */
  readonly text: string;
}

/** How an account with an engine's service is called in the kernel. */
export interface GateRow {
  readonly name: string;
  readonly number: number;
  /** Of connections that leave the engine for him. */
  readonly mark: number;
  /** All names the engines know him by. */
  readonly users: readonly string[];
}

export interface UserList {
  readonly users: readonly UserRow[];
  readonly gone: readonly string[];
  /** The rest of the same list follows at once. */
  readonly more?: boolean;
  /**
   * Mean time between two reads of the counters of the rows in view, over the
   * last second, of the keeper that is read least often; 0 while it is not known.
   */
  readonly readMs: number;
}

/** What a watcher looks at. */
export interface WatchRequest {
  /** Time between two lists. */
  readonly periodMs: number;
  /**
   * Accounts on his screen: their counters are read at tick speed, and of others
   * he is told once a second. None: he is told of all. Names nobody has are
   * passed over.
   */
  readonly inView: readonly string[];
}

/** Lists of the rows that changed, all of them first; a long one comes in parts. Ends with the signal it was opened with. */
export interface Watch extends AsyncIterable<UserList> {
  /** @throws {RefusedRequestError} for a period or a number of names out of range. */
  change(request: WatchRequest): void;
}

export interface JobStatus {
  readonly name: string;
  readonly runs: number;
  readonly failures: number;
  readonly skippedTicks: number;
  readonly lastMs: number;
  readonly longestMs: number;
  readonly lastLagMs: number;
  readonly longestLagMs: number;
  readonly lastError: string;
  /** Of the runs that ended. */
  readonly durations: Spans;
  /** Of the runs that began: how far behind their due time. */
  readonly lags: Spans;
}

/** How long many things took. */
export interface Spans {
  /** How many took up to each of `Status.spanBoundsMs`, and longer than the one before; the last: longer than all. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** How often a keeper was told to stop a user or to let him in again. */
export interface GateActions {
  readonly keeper: string;
  /** "cut", "restore". */
  readonly action: string;
  /** "complete", "incomplete", "failed". */
  readonly result: string;
  readonly count: number;
}

export interface SourceStatus {
  readonly name: string;
  readonly answering: boolean;
  readonly trouble: string;
  readonly lastLookMs: number;
  readonly periodMs: number;
  readonly close: number;
  readonly notes: readonly string[];
}

export interface Status {
  readonly version: string;
  readonly mode: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly stateDirectory: string;
  readonly timeZone: string;
  readonly count: string;
  readonly pace: string;
  readonly tickMs: number;
  readonly accounts: number;
  readonly denied: number;
  readonly saveTrouble: string;
  readonly sources: readonly SourceStatus[];
  readonly jobs: readonly JobStatus[];
  readonly spanBoundsMs: readonly number[];
  /** Since the daemon started. */
  readonly gateActions: readonly GateActions[];
}

export interface LimitRequest {
  readonly name: string;
  readonly totalBytes: number | undefined;
  readonly dailyBytes: number | undefined;
  /** "" leaves it. */
  readonly period: string;
  readonly yes: boolean;
  readonly create: boolean;
  /** Which services the limit may end for good; none is all he has. */
  readonly services?: readonly string[];
  /** The limit ends no login for good, whatever the settings say; false if left out. Nothing that is sent. */
  readonly sparesLogin?: boolean;
}

/** What is to be taken from the old scripts' files for one account. */
export interface ImportRow {
  readonly name: string;
  /** What he is known by if he is new: "ssh", "xray" or "openvpn". */
  readonly service: string;
  /** The total limit; undefined leaves it. */
  readonly totalBytes: number | undefined;
  /** Whether his SSH login may be ended for good at that limit. */
  readonly enrolSsh: boolean;
  /** Undefined leaves it. */
  readonly disabled: boolean | undefined;
  /** The counted usage of the period; undefined leaves it. */
  readonly usageBytes: number | undefined;
}

/** A row of an import that was not taken. */
export interface ImportFailure {
  readonly name: string;
  readonly why: string;
}

/** What came of the last look at an engine that is about to be stopped. */
export interface LastLookReply {
  /** Nothing moves in the engine any more, until it has stopped. */
  readonly held: boolean;
  readonly waitedMs: number;
  readonly text: string;
}

/** An OpenVPN server as it is looked at. */
export interface OpenvpnServerRow {
  /** As in the settings, without "openvpn:". */
  readonly name: string;
  /** Where its figures come from. */
  readonly from: "management" | "status-file";
  readonly answering: boolean;
  /** Why not; "" while it does. */
  readonly trouble: string;
  /** 0 while it is not known. */
  readonly pid: number;
  /** "OpenVPN 2.6.14"; "" while it is not known. */
  readonly version: string;
  /** The kernel moves the packets. */
  readonly dco: boolean;
  readonly logins: number;
  /** Clients at the door. */
  readonly pending: number;
  readonly lastLookMs: number;
  readonly periodMs: number;
  /** Gates on tunnel addresses stand. */
  readonly gated: boolean;
  /** The server has said a login's last figures to our hook since Sluice started. */
  readonly hooked: boolean;
  /** What keeps it from being exact, or a cut from being whole; one sentence each. */
  readonly notes: readonly string[];
}

/** A login at an OpenVPN server that lasts. */
export interface OpenvpnLoginRow {
  /** As in the settings, without "openvpn:". */
  readonly server: string;
  readonly user: string;
  readonly commonName: string;
  /** -1 where the server gives none. */
  readonly clientId: number;
  readonly realAddress: string;
  /** In the tunnel, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly subnets: readonly string[];
  readonly sinceMs: number;
  readonly uplinkBytes: number;
  readonly downlinkBytes: number;
  /** His account is denied: he waits behind a shut gate, or is about to be ended. */
  readonly denied: boolean;
}

export interface KickReply {
  /** Logins that were ended. */
  readonly ended: number;
  readonly text: string;
}

/** A login by SSH that lasts. */
export interface SshLoginRow {
  readonly account: string;
  readonly daemon: "sshd" | "dropbear";
  /** Of the process that serves it. */
  readonly pid: number;
  /** The client's own address; "" where no log told it. */
  readonly address: string;
  /** 0 where no log told it. */
  readonly port: number;
  readonly sinceMs: number;
  readonly denied: boolean;
}

/** What the web did, or refused; it becomes an event. */
export interface AuditRow {
  readonly kind: "web-signed-in" | "web-signed-out" | "web-sign-in-failed" | "web-changed" | "web-refused";
  /** The admin's name, or the one that was tried; "" without. */
  readonly actor: string;
  /** The client's address; "" without. */
  readonly address: string;
  /** One sentence without control characters. */
  readonly text: string;
  /** How often it happened, where like ones were joined; at least 1. */
  readonly count: number;
}

/** A setting that may be changed while the daemon runs. */
export interface SettingRow {
  /** "warn_percent", "history.minutes_days": as in the settings file. */
  readonly key: string;
  /** What it is for, what is accepted, and in which unit; one sentence. */
  readonly about: string;
  /** JSON. */
  readonly value: string;
  readonly fallback: string;
}

export interface SettingChange {
  readonly key: string;
  /** JSON; "" takes the key out of the file. */
  readonly value: string;
}

/** What `sluice doctor --json` said last. */
export interface FindingsReply {
  /** Its answer; "" before the first. */
  readonly json: string;
  /** Unix time; 0 before the first. */
  readonly atMs: number;
  /** Why there is no newer one; "" otherwise. */
  readonly trouble: string;
}

/**
 * What a face can ask for. The daemon answers it over the socket; a command
 * that holds the state folder itself answers it in place.
 */
export interface Desk {
  status(): Promise<Status>;
  /** @param name "" for all. @throws {UnknownUserError} */
  listUsers(name: string): Promise<readonly UserRow[]>;
  setLimit(request: LimitRequest, by: string): Promise<UserRow>;
  reset(names: { readonly name: string; readonly all: boolean }, by: string): Promise<readonly UserRow[]>;
  setDisabled(name: string, disabled: boolean, by: string): Promise<UserRow>;
  /** With his login on this host, unless it is to be kept. */
  delete(name: string, keepLogin: boolean, by: string): Promise<void>;
  /**
   * On the disk before it answers: a number must never be given twice.
   *
   * @param users of an engine, who get an account if they have none.
   */
  listGates(users: readonly string[]): Promise<readonly GateRow[]>;
  /**
   * Books and saves what an engine counted, holding its traffic until it has stopped.
   *
   * @param engine "" for the only one.
   * @throws {RefusedRequestError} when there is none of that name, or there are several.
   */
  lastLook(engine: string): Promise<LastLookReply>;
  /** @throws {RefusedRequestError} as `change` does, at once or when the first list is asked for. */
  watch(request: WatchRequest, signal: AbortSignal): Watch;
  /** Each row is saved by itself. @returns those that were not taken. */
  importAccounts(rows: readonly ImportRow[], by: string): Promise<readonly ImportFailure[]>;
  /** Every account as its file would have it now, in JSON, some at a time. */
  snapshot(): AsyncIterable<readonly string[]>;
  /** By their names; none where OpenVPN is switched off. */
  openvpnServers(): Promise<readonly OpenvpnServerRow[]>;
  /** Logins that last, at all servers, by server and user. */
  openvpnLogins(): Promise<readonly OpenvpnLoginRow[]>;
  /**
   * Ends all logins of a user, at every server; he may come again at once.
   *
   * @throws {UnknownUserError}
   * @throws {RefusedRequestError} when he has none.
   * @throws {UnreachableError} when a server at which he may have some does not answer.
   */
  openvpnKick(name: string, by: string): Promise<KickReply>;
}

/** What whoever asks may ask for: the administrator and the web. */
export type SharedDesk = Pick<
  Desk,
  | "status"
  | "listUsers"
  | "setLimit"
  | "reset"
  | "setDisabled"
  | "delete"
  | "watch"
  | "openvpnServers"
  | "openvpnLogins"
  | "openvpnKick"
>;

/**
 * What the web may ask for, through a socket of its own. Orders are put down to
 * `by`, the admin who gave them: 1 to 64 printable characters.
 */
export interface WebDesk extends SharedDesk {
  /** @throws {RefusedRequestError} also where the settings do not let the web delete: `web.may_delete`. */
  delete(name: string, keepLogin: boolean, by: string): Promise<void>;
  /** By account and beginning; none where SSH is switched off. */
  sshLogins(): Promise<readonly SshLoginRow[]>;
  /** Becomes events: at most some hundred a minute, the rest joined. */
  audit(rows: readonly AuditRow[]): Promise<void>;
  /** Those that may be changed here. */
  settings(): Promise<readonly SettingRow[]>;
  /**
   * Writes the settings file, its comments kept, and takes it over as SIGHUP does.
   *
   * @throws {RefusedRequestError} naming what was expected and what was got; nothing is written then.
   */
  changeSettings(changes: readonly SettingChange[], by: string): Promise<readonly SettingRow[]>;
  /** @param anew looks again, at most once a minute; else the last answer. */
  findings(anew: boolean): Promise<FindingsReply>;
}

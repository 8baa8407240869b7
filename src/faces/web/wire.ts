/**
 * What the dashboard's server and its page say to each other: the bodies of
 * /api/v1 and the messages of the live socket.
 *
 * Bytes are numbers below 2^53, rates bytes a second, moments milliseconds since
 * 1970, unless a name says otherwise; days are "YYYY-MM-DD" of the operator's
 * zone. Uplink is from the user. Every body that is no success is an `ErrorBody`.
 *
 * Pure: types only.
 */
import type {
  FindingsReply,
  KickReply,
  OpenvpnServerRow,
  SettingChange,
  SettingRow,
  SourceStatus,
  UserRow,
  UserState,
} from "../../control/rows.ts";

export type Role = "admin" | "viewer";

export interface ErrorBody {
  /** `code` is for programs: "unauthorized", "forbidden", "not_found", "refused", "too_many_requests", "unreachable", "internal_error", ... */
  readonly error: { readonly code: string; readonly message: string };
}

/** GET /api/v1/session: who is signed in; 401 otherwise. POST signs in, DELETE signs out, DELETE /api/v1/sessions everywhere. */
export interface SessionBody {
  readonly name: string;
  readonly role: Role;
  /** The login ends then, whatever is done. */
  readonly expiresAt: number;
  readonly version: string;
  readonly timeZone: string;
  readonly mayDelete: boolean;
}

/** GET /api/v1/setup, for everybody: whether there is an admin who could sign in. */
export interface SetupBody {
  readonly ready: boolean;
}

export interface SignInBody {
  readonly username: string;
  readonly password: string;
}

/** How an engine, or the daemon itself, is. */
export type Health = "well" | "troubled" | "down";

/** GET /api/v1/overview, and the live view of it. */
export interface Overview {
  /** False: nothing below is known to be so now. */
  readonly connected: boolean;
  /** When the daemon was heard last; 0 never. */
  readonly heardAt: number;
  readonly mode: string;
  readonly accounts: number;
  /** How many accounts are in each state. */
  readonly states: Readonly<Record<UserState, number>>;
  /** Of all accounts, today and in their periods. */
  readonly dailyUplink: number;
  readonly dailyDownlink: number;
  readonly totalUplink: number;
  readonly totalDownlink: number;
  readonly uplinkRate: number;
  readonly downlinkRate: number;
  /** Over their limit, then near it, the nearest first; 20 at most. */
  readonly near: readonly AccountTuple[];
  /** Who moves most now; 10 at most. */
  readonly busiest: readonly AccountTuple[];
  readonly sources: readonly SourceStatus[];
  readonly tick: TickHealth;
  /** "" while the disk takes everything. */
  readonly saveTrouble: string;
}

export interface TickHealth {
  readonly tickMs: number;
  readonly longestLagMs: number;
  readonly skippedTicks: number;
  readonly failures: number;
}

/**
 * An account in a list: name, state, services, total bytes and limit, daily bytes
 * and limit, uplink and downlink rate, last change. A tuple, because a list may
 * have ten thousand.
 */
export type AccountTuple = readonly [
  name: string,
  state: UserState,
  services: readonly string[],
  totalBytes: number,
  totalLimit: number,
  dailyBytes: number,
  dailyLimit: number,
  uplinkRate: number,
  downlinkRate: number,
  updatedMs: number,
];

/** GET /api/v1/accounts?q=&state=&service=&sort=name|usage|rate|remaining&order=asc|desc&offset=&limit= (100, at most 1000) */
export interface AccountsBody {
  readonly accounts: readonly UserRow[];
  /** How many the filter lets through. */
  readonly total: number;
}

/** GET /api/v1/accounts/{name}, and what POST and PATCH of an account answer. */
export interface AccountBody {
  readonly account: UserRow;
}

/** PATCH /api/v1/accounts/{name}; POST /api/v1/accounts with `name` makes one. */
export interface LimitBody {
  readonly totalBytes?: number;
  readonly dailyBytes?: number;
  /** "never", "weekly", "monthly", "monthly:15", "30d". */
  readonly period?: string;
  /** Also when the limit is below what was used already. */
  readonly confirm?: boolean;
}

/** DELETE /api/v1/accounts/{name} */
export interface DeleteBody {
  /** The account's name once more. */
  readonly confirm: string;
  /** Keep his login on the host. */
  readonly keepLogin?: boolean;
}

/** POST /api/v1/accounts/{name}/kick: ends his OpenVPN logins. /reset, /disable and /enable answer an `AccountBody`. */
export type KickBody = KickReply;

/** Which chart: a day by 5 minutes of m1, a week by hours, 30 days and 12 months by days. */
export type Range = "24h" | "7d" | "30d" | "12m";

/** GET /api/v1/accounts/{name}/usage?range=24h, and /api/v1/usage?range= of all together. */
export interface UsageBody {
  readonly range: Range;
  /** Of a point, in seconds; days may be of 23 or 25 hours. */
  readonly stepS: number;
  /** Moments (ms), or days, in order; what is not there moved nothing. */
  readonly at: readonly (number | string)[];
  readonly uplink: readonly number[];
  readonly downlink: readonly number[];
}

/** A login at OpenVPN or SSH. */
export interface SessionRow {
  readonly id: string;
  readonly account: string;
  /** "openvpn", "ssh". */
  readonly service: string;
  /** "openvpn:server", "sshd". */
  readonly keeper: string;
  /** With its port where that is known. */
  readonly realAddress: string;
  /** In the tunnel. */
  readonly addresses: readonly string[];
  readonly began: number;
  /** null while it lasts. */
  readonly ended: number | null;
  /** null where they are not counted by login. */
  readonly uplink: number | null;
  readonly downlink: number | null;
  /** He waits behind a shut gate. */
  readonly denied: boolean;
  /** "DE"; "" is not known. */
  readonly country: string;
}

/** GET /api/v1/sessions?live=1&service=&account=&since=&until=&limit= (200, at most 1000); newest first. */
export interface SessionsBody {
  readonly sessions: readonly SessionRow[];
  readonly servers: readonly OpenvpnServerRow[];
}

/** GET /api/v1/events?user=&kind=&since=&until=&limit= (100, at most 1000); newest first. */
export interface EventsBody {
  readonly events: readonly {
    readonly at: number;
    readonly kind: string;
    readonly user: string;
    readonly text: string;
  }[];
}

/** GET /api/v1/connections?by=country|city&minutes=5 */
export interface ConnectionsBody {
  /** Most connections first. */
  readonly places: readonly Place[];
  /** Clients of private addresses, and those the database does not know. */
  readonly private: number;
  readonly unknown: number;
  /** Different client addresses, and connections that stand. */
  readonly addresses: number;
  readonly connections: number;
  readonly services: readonly {
    readonly service: string;
    readonly addresses: number;
    readonly connections: number;
  }[];
  readonly database: GeoDatabase;
}

export interface Place {
  /** Two letters of ISO 3166. */
  readonly country: string;
  /** "" in a list by country, or where the database has none. */
  readonly city: string;
  /** Degrees; of a country's middle where the database has none. */
  readonly latitude: number;
  readonly longitude: number;
  readonly addresses: number;
  readonly connections: number;
  /** The first of them, for admins; 50 at most. */
  readonly clients: readonly {
    readonly address: string;
    readonly service: string;
    readonly firstSeen: number;
    readonly lastSeen: number;
  }[];
}

export interface GeoDatabase {
  /** "DBIP-Country-Lite"; "" without one. */
  readonly name: string;
  /** When it was made; 0 is not known. */
  readonly builtAt: number;
  /** Why there is none, or what it cannot do; "" otherwise. */
  readonly trouble: string;
  /** What its licence wants to be said, and where that leads. */
  readonly attribution: { readonly text: string; readonly url: string } | null;
}

/** GET /api/v1/connections/history?hours=24 (1 to 720) */
export interface ConnectionHoursBody {
  readonly hours: readonly {
    readonly at: number;
    readonly addresses: number;
    readonly connections: number;
  }[];
}

/** GET /api/v1/hosts?q=&service=&source=&account=&offset=&limit= (200, at most 1000), newest first; admins alone. /api/v1/hosts/export is the file. */
export interface HostsBody {
  readonly hosts: readonly HostEntry[];
  readonly total: number;
  /** Why the capture does not answer; "" while it does. */
  readonly trouble: string;
}

export interface HostEntry {
  readonly host: string;
  readonly service: string;
  readonly source: string;
  /** Local time, "YYYY-MM-DD HH:MM:SS". */
  readonly time: string;
}

/** GET /api/v1/server. While the daemon does not answer, what only it knows is 0, "" or empty. */
export interface ServerBody {
  readonly pid: number;
  readonly mode: string;
  readonly uptimeMs: number;
  readonly web: { readonly pid: number; readonly uptimeMs: number; readonly memoryBytes: number };
  readonly hostname: string;
  /** "" is not known. */
  readonly localAddress: string;
  readonly publicAddress: string;
  /** "settings", "/etc/myipvps", "eth0". */
  readonly publicFrom: string;
  /** A TCP connection's opening; null measures nothing. */
  readonly latency: { readonly target: string; readonly ms: number | null; readonly trouble: string } | null;
  readonly versions: readonly { readonly what: string; readonly version: string }[];
  readonly sources: readonly SourceStatus[];
  readonly openvpn: readonly OpenvpnServerRow[];
}

/** GET /api/v1/findings, POST looks anew. */
export type FindingsBody = FindingsReply;

/** GET /api/v1/settings; PATCH with `SettingsPatch`. */
export interface SettingsBody {
  readonly settings: readonly SettingRow[];
}

export interface SettingsPatch {
  readonly changes: readonly SettingChange[];
}

/** What a token may do: "read" everything a viewer sees, "metrics", "write" what an admin does but for settings, tokens and admins. */
export type Scope = "read" | "metrics" | "write";

/** GET /api/v1/tokens; POST makes one, DELETE /api/v1/tokens/{id} revokes it; admins alone. */
export interface TokensBody {
  readonly tokens: readonly TokenRow[];
}

export interface TokenRow {
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  readonly createdBy: string;
  /** 0 never. */
  readonly usedAt: number;
}

export interface NewTokenBody {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** The answer to POST /api/v1/tokens: the one time that the token is said. */
export interface MadeTokenBody {
  readonly token: string;
  readonly row: TokenRow;
}

/** What a page looks at. */
export type LiveView =
  | { readonly view: "overview" }
  | { readonly view: "accounts" }
  /** Ten times a second. */
  | { readonly view: "account"; readonly name: string }
  /** Admins alone. */
  | { readonly view: "hosts" }
  | { readonly view: "none" };

/**
 * What the server tells of it: at /api/v1/live over a WebSocket, whose client
 * sends a `LiveView` each time it looks at something else; or, polled, the first
 * message by GET /api/v1/live?view=accounts&name=.
 */
export type LiveMessage =
  | { readonly type: "overview"; readonly at: number; readonly overview: Overview }
  /** `full`: these are all there are. Otherwise what changed, and who went. */
  | {
      readonly type: "accounts";
      readonly at: number;
      readonly full: boolean;
      readonly rows: readonly AccountTuple[];
      readonly gone: readonly string[];
    }
  /** null: nobody has that name. */
  | { readonly type: "account"; readonly at: number; readonly account: UserRow | null }
  /** The first is of the newest; then those that came, and those that were removed. */
  | {
      readonly type: "hosts";
      readonly at: number;
      readonly full: boolean;
      readonly total: number;
      readonly hosts: readonly HostEntry[];
      readonly gone: readonly string[];
    }
  /** The daemon, or the capture, does not answer: what was told last stands still. */
  | { readonly type: "trouble"; readonly at: number; readonly text: string };

/**
 * The bodies of /api/v1 as schemas: what wire.ts says in types. No field may be
 * there that is not said here, so a test finds out when the two part.
 *
 * Pure: no clock, no I/O.
 */
import { STATES } from "../account-list.ts";
import {
  count,
  flag,
  list,
  named,
  number,
  object,
  orNull,
  type Schema,
  text,
  tuple,
  words,
} from "./schema.ts";

const BYTES = count("Bytes");
const RATE = { ...number("Bytes a second"), minimum: 0 };
const MOMENT = count("Milliseconds since 1970");
const MOMENT_OR_NEVER = count("Milliseconds since 1970; 0 never, or not known");
const STATE = words(...STATES);
const ROLE = words("admin", "viewer");
const SCOPE = words("read", "metrics", "write");
const COUNTRY = text('Two letters of ISO 3166; "" is not known');

const USER_ROW = object({
  name: text(),
  state: STATE,
  gate: text("What is done about a limit that is reached"),
  ...{ dailyBytes: BYTES, totalBytes: BYTES, dailyLimitBytes: BYTES, totalLimitBytes: BYTES },
  remainingBytes: { type: "integer", minimum: -1, description: "-1 when unlimited" },
  ...{
    dailyUplinkBytes: BYTES,
    dailyDownlinkBytes: BYTES,
    totalUplinkBytes: BYTES,
    totalDownlinkBytes: BYTES,
  },
  ...{ lifetimeUplinkBytes: BYTES, lifetimeDownlinkBytes: BYTES, uplinkRate: RATE, downlinkRate: RATE },
  period: text('"never", "weekly", "monthly", "monthly:15", "30d"'),
  ...{ day: text("YYYY-MM-DD"), periodStart: text("YYYY-MM-DD"), updatedMs: MOMENT_OR_NEVER },
  ...{ services: list(text()), protocols: list(text()) },
  enrolled: list(text(), { description: "Services that may be ended for good at the total limit" }),
  unreportedBytes: count("About how much more he fetched that an engine counts only when it ends"),
  stops: list(object({ keeper: text(), step: words("gate", "cut", "report"), text: text() })),
});

const ACCOUNT_TUPLE = tuple(
  [text(), STATE, list(text()), BYTES, BYTES, BYTES, BYTES, RATE, RATE, MOMENT_OR_NEVER],
  "Name, state, services, total bytes and limit, daily bytes and limit, uplink and downlink rate, last change",
);

const SOURCE_STATUS = object({
  ...{ name: text(), answering: flag(), trouble: text(), lastLookMs: MOMENT_OR_NEVER },
  ...{ periodMs: number(), close: count("Users near their limit"), notes: list(text()) },
});

const OVERVIEW = object({
  connected: flag("False: nothing else here is known to be so now"),
  ...{ heardAt: MOMENT_OR_NEVER, mode: text(), accounts: count() },
  states: object(Object.fromEntries(STATES.map((state) => [state, count()]))),
  ...{ dailyUplink: BYTES, dailyDownlink: BYTES, totalUplink: BYTES, totalDownlink: BYTES },
  ...{ uplinkRate: RATE, downlinkRate: RATE },
  near: list(named("AccountTuple"), { maxItems: 20 }),
  busiest: list(named("AccountTuple"), { maxItems: 10 }),
  sources: list(named("SourceStatus")),
  tick: object({ tickMs: number(), longestLagMs: number(), skippedTicks: count(), failures: count() }),
  saveTrouble: text('"" while the disk takes everything'),
});

const OPENVPN_SERVER = object({
  ...{ name: text(), from: words("management", "status-file"), answering: flag(), trouble: text() },
  ...{
    pid: count("0 while it is not known"),
    version: text(),
    dco: flag(),
    logins: count(),
    pending: count(),
  },
  ...{ lastLookMs: MOMENT_OR_NEVER, periodMs: number(), gated: flag(), hooked: flag(), notes: list(text()) },
});

const SESSION_ROW = object({
  ...{ id: text(), account: text(), service: text(), keeper: text() },
  realAddress: text("With its port where that is known; a viewer sees the network alone"),
  addresses: list(text(), { description: "In the tunnel" }),
  ...{ began: MOMENT, ended: orNull(MOMENT) },
  ...{
    uplink: orNull(BYTES),
    downlink: orNull(BYTES),
    denied: flag("He waits behind a shut gate"),
    country: COUNTRY,
  },
});

const GEO_DATABASE = object({
  ...{ name: text(), builtAt: MOMENT_OR_NEVER, trouble: text() },
  attribution: orNull(object({ text: text(), url: text() })),
});

const PLACE = object({
  ...{ country: COUNTRY, city: text(), latitude: number(), longitude: number() },
  ...{ addresses: count(), connections: count() },
  clients: list(object({ address: text(), service: text(), firstSeen: MOMENT, lastSeen: MOMENT }), {
    maxItems: 50,
    description: "None for viewers",
  }),
});

const TOKEN_ROW = object({
  ...{ id: count(), name: text(), scopes: list(SCOPE), createdAt: MOMENT, createdBy: text() },
  usedAt: MOMENT_OR_NEVER,
});

const HOST_ENTRY = object({ host: text(), service: text(), source: text(), time: text("Local time") });

function liveMessage(type: string, fields: Readonly<Record<string, Schema>>): Schema {
  return object({ type: { const: type }, at: MOMENT, ...fields });
}

const LIVE_MESSAGE: Schema = {
  oneOf: [
    liveMessage("overview", { overview: named("Overview") }),
    liveMessage("accounts", { full: flag(), rows: list(named("AccountTuple")), gone: list(text()) }),
    liveMessage("account", { account: orNull(named("UserRow")) }),
    liveMessage("hosts", {
      full: flag(),
      total: count(),
      hosts: list(named("HostEntry")),
      gone: list(text()),
    }),
    liveMessage("trouble", { text: text() }),
  ],
};

export const BODIES: Readonly<Record<string, Schema>> = {
  ErrorBody: object({ error: object({ code: text("A word for programs"), message: text() }) }),
  SessionBody: object({
    ...{ name: text(), role: ROLE, expiresAt: MOMENT, version: text(), timeZone: text(), mayDelete: flag() },
  }),
  SetupBody: object({ ready: flag("There is an admin who could sign in") }),
  SignInBody: object({ username: text(), password: text() }),
  Overview: OVERVIEW,
  AccountTuple: ACCOUNT_TUPLE,
  SourceStatus: SOURCE_STATUS,
  UserRow: USER_ROW,
  AccountsBody: object({ accounts: list(named("UserRow")), total: count() }),
  AccountBody: object({ account: named("UserRow") }),
  KickBody: object({ ended: count("Logins that were ended"), text: text() }),
  UsageBody: object({
    ...{ range: words("24h", "7d", "30d", "12m"), stepS: count("Seconds") },
    at: list({ anyOf: [MOMENT, text("YYYY-MM-DD")] }),
    ...{ uplink: list(BYTES), downlink: list(BYTES) },
  }),
  SessionRow: SESSION_ROW,
  OpenvpnServerRow: OPENVPN_SERVER,
  SessionsBody: object({ sessions: list(named("SessionRow")), servers: list(named("OpenvpnServerRow")) }),
  EventsBody: object({ events: list(object({ at: MOMENT, kind: text(), user: text(), text: text() })) }),
  Place: PLACE,
  GeoDatabase: GEO_DATABASE,
  ConnectionsBody: object({
    places: list(named("Place")),
    ...{ private: count("Addresses"), unknown: count("Addresses"), addresses: count(), connections: count() },
    services: list(object({ service: text(), addresses: count(), connections: count() })),
    database: named("GeoDatabase"),
  }),
  ConnectionHoursBody: object({
    hours: list(object({ at: MOMENT, addresses: count(), connections: count() })),
  }),
  HostEntry: HOST_ENTRY,
  HostsBody: object({ hosts: list(named("HostEntry")), total: count(), trouble: text() }),
  ServerBody: object({
    ...{ pid: count(), mode: text(), uptimeMs: count() },
    web: object({ pid: count(), uptimeMs: count(), memoryBytes: BYTES }),
    ...{ hostname: text(), localAddress: text(), publicAddress: text(), publicFrom: text() },
    latency: orNull(object({ target: text(), ms: orNull(number()), trouble: text() })),
    versions: list(object({ what: text(), version: text() })),
    ...{ sources: list(named("SourceStatus")), openvpn: list(named("OpenvpnServerRow")) },
  }),
  FindingsBody: object({
    json: text("What doctor --json said last"),
    atMs: MOMENT_OR_NEVER,
    trouble: text(),
  }),
  SettingsBody: object({
    settings: list(object({ key: text(), about: text(), value: text("JSON"), fallback: text("JSON") })),
  }),
  TokenRow: TOKEN_ROW,
  TokensBody: object({ tokens: list(named("TokenRow")) }),
  NewTokenBody: object({ name: text(), scopes: list(SCOPE, { minItems: 1 }) }),
  MadeTokenBody: object({ token: text("Said this once"), row: named("TokenRow") }),
  LiveMessage: LIVE_MESSAGE,
  ReadyBody: object(
    { ready: flag() },
    {
      ...{ daemon: object({ answering: flag() }), capture: orNull(object({ answering: flag() })) },
      sources: list(
        object({ name: text(), answering: flag(), ageMs: orNull({ type: "number", minimum: 0 }) }),
      ),
    },
  ),
};

/**
 * The daemon's settings: read once at start or on SIGHUP, checked whole, never changed.
 *
 * Every key has a default and carries its unit in its name. All problems are
 * reported together, each under the path a person would look for, and with one
 * of them nothing starts.
 */
import { readFile } from "node:fs/promises";
import { readAliases, readFileMode, readLineRate, readWarnings } from "./config-books.ts";
import {
  type OpenvpnSettings,
  readOpenvpn,
  readSsh,
  readXray,
  type SshSettings,
  type XraySettings,
} from "./config-engines.ts";
import { type Environment, withEnvironment } from "./config-environment.ts";
import { attempt, field, oneOf, parsed, refuseTwins, type Section, section, span } from "./config-fields.ts";
import { type HostsSettings, readHosts } from "./config-hosts.ts";
import {
  type ConnectionsSettings,
  type FleetSettings,
  type GeoipSettings,
  type HistorySettings,
  readConnections,
  readFleet,
  readGeoip,
  readHistory,
  readWeb,
  type WebSettings,
} from "./config-parts.ts";
import { absolutePath } from "./config-values.ts";
import { codeOf, InvalidSettingsError, reasonOf } from "./errors.ts";
import { parseJsonc } from "./jsonc.ts";
import type { UserName } from "./names.ts";
import { type CountRule, type PeriodRule, parsePeriod } from "./rules.ts";
import { type Bytes, bytes, type Milliseconds } from "./units.ts";
import { parseZone } from "./zones.ts";

export type { OpenvpnSettings, SshSettings, XraySettings } from "./config-engines.ts";

export interface Settings {
  /** The file they came from; undefined when there is none and all are defaults. */
  readonly path: string | undefined;
  /** "observe" books and shows what it would do, and touches nothing. */
  readonly mode: "enforce" | "observe";
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
  readonly logDirectory: string;
  readonly dataDirectory: string;
  /** An IANA name; "system" is resolved. */
  readonly timeZone: string;
  readonly tick: Milliseconds;
  readonly pace: "adaptive" | "every-tick";
  /** The longest a source goes unread. At least a tick. */
  readonly maxPeriod: Milliseconds;
  /** The most that a power cut can lose of the books. */
  readonly flush: Milliseconds;
  /** How far the account files lag behind the books. */
  readonly usageFiles: Milliseconds;
  /** What one user could move at most, in megabits (10^6 bits) per second. */
  readonly lineRateMbps: number | "auto";
  readonly count: CountRule;
  /** For accounts that have no rule of their own. */
  readonly period: PeriodRule;
  /** Percentages of a limit, ascending, each once. */
  readonly warnPercent: readonly number[];
  /** Permission bits of account files, as open(2) takes them. */
  readonly usageFileMode: number;
  /** From a name at a keeper to the account it belongs to, which is no alias itself. */
  readonly aliases: ReadonlyMap<UserName, UserName>;
  /** A log is rotated when it passes this. */
  readonly maxLogSize: Bytes;
  /** Empty when Xray is switched off. */
  readonly xray: readonly XraySettings[];
  readonly ssh: SshSettings | null;
  /** Empty when OpenVPN is switched off. */
  readonly openvpn: readonly OpenvpnSettings[];
  readonly hosts: HostsSettings | null;
  readonly history: HistorySettings | null;
  readonly connections: ConnectionsSettings | null;
  readonly web: WebSettings | null;
  readonly geoip: GeoipSettings | null;
  readonly fleet: FleetSettings | null;
}

/** Where the settings are looked for. */
export const DEFAULT_PATH = "/etc/myvpn/sluice.json";

/**
 * Reads the settings from `path`, or from the default place if there is a file.
 *
 * @throws {InvalidSettingsError} when the file is not JSON with comments, or says what cannot be used.
 * @throws {Error} when it cannot be read, or `path` names one that is not there.
 */
export async function loadSettings(path: string | undefined, environment: Environment): Promise<Settings> {
  const file = path ?? DEFAULT_PATH;
  const text = await textOf(file, path === undefined);
  const settings = settingsIn(file, text ?? "{}", environment);
  return text === undefined ? { ...settings, path: undefined } : settings;
}

/**
 * What the text of a settings file says.
 *
 * @param path where it came from, for messages.
 * @throws {InvalidSettingsError} when it is not JSON with comments, or says what cannot be used.
 */
export function settingsIn(path: string, text: string, environment: Environment): Settings {
  return parseSettings(path, contentOf(path, text), environment, systemZone());
}

function contentOf(path: string, text: string): unknown {
  try {
    return parseJsonc(text);
  } catch (cause) {
    throw new InvalidSettingsError(path, [reasonOf(cause)]);
  }
}

function systemZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What the file holds; undefined when it is not there and need not be. */
async function textOf(file: string, optional: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (optional && codeOf(cause) === "ENOENT") return undefined;
    throw new Error(`Cannot read the settings in "${file}": ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Checks what a settings file holds and fills in the defaults.
 *
 * @param path where `input` came from, for messages.
 * @param environment overrides by the names OpenVPN monitors use.
 * @param systemZone the host's IANA zone, which "system" stands for.
 * @throws {InvalidSettingsError} naming every problem, not only the first.
 */
export function parseSettings(
  path: string,
  input: unknown,
  environment: Environment,
  systemZone: string,
): Settings {
  const problems: string[] = [];
  const root = section(input, "", KEYS, problems);
  const tick = span(root, "tick_ms", { min: 5, max: 1000, fallback: 10 });
  const settings = withEnvironment<Settings>(
    {
      path,
      mode: oneOf(root, "mode", ["enforce", "observe"], "enforce"),
      stateDirectory: directory(root, "state_directory", "/etc/myvpn"),
      runtimeDirectory: directory(root, "runtime_directory", "/run/sluice"),
      logDirectory: directory(root, "log_directory", "/var/log/sluice"),
      dataDirectory: directory(root, "data_directory", "/var/lib/sluice"),
      timeZone: parsed(root, "time_zone", "system", (text) => (text === "system" ? text : parseZone(text))),
      tick,
      pace: oneOf(root, "pace", ["adaptive", "every-tick"], "adaptive"),
      maxPeriod: span(root, "max_period_ms", { min: tick, max: 60_000, fallback: 1000 }),
      flush: span(root, "flush_ms", { min: 100, max: 60_000, fallback: 2000 }),
      usageFiles: span(root, "usage_files_ms", { min: 1000, max: 600_000, fallback: 10_000 }),
      lineRateMbps: readLineRate(root),
      count: oneOf(root, "count", ["both", "uplink", "downlink"], "both"),
      period: parsed(root, "period", { kind: "never" }, parsePeriod),
      warnPercent: readWarnings(root),
      usageFileMode: readFileMode(root),
      aliases: readAliases(root),
      maxLogSize: bytes(10 * 1024 ** 2),
      xray: readXray(root),
      ssh: readSsh(root),
      openvpn: readOpenvpn(root),
      hosts: readHosts(root),
      history: readHistory(root),
      connections: readConnections(root),
      web: readWeb(root),
      geoip: readGeoip(root),
      fleet: readFleet(root),
    },
    environment,
    problems,
  );
  refuseTwins(
    settings.openvpn,
    "openvpn",
    "management",
    ({ management, statusFile }) => management ?? `null, and ${statusFile}`,
    problems,
  );
  const timeZone =
    settings.timeZone === "system"
      ? attempt(root, "time_zone", "UTC", () => parseZone(systemZone))
      : settings.timeZone;
  if (problems.length > 0) throw new InvalidSettingsError(path, problems);
  return { ...settings, timeZone };
}

const KEYS: readonly string[] = [
  ...["mode", "state_directory", "runtime_directory", "log_directory", "data_directory", "time_zone"],
  ...["tick_ms", "pace", "max_period_ms", "flush_ms", "usage_files_ms", "line_rate_mbps", "count", "period"],
  ...["warn_percent", "usage_file_mode", "aliases", "xray", "ssh", "openvpn", "hosts", "history"],
  ...["connections", "web", "geoip", "fleet"],
];

function directory(root: Section, key: string, fallback: string): string {
  return field(root, key, fallback, "an absolute path", absolutePath);
}

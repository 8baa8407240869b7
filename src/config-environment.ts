/**
 * The environment names operators know from OpenVPN monitors.
 *
 * One that is set wins over the file. An empty one counts as not set, as in a
 * shell's "${NAME:-default}". One that speaks of a part that is switched off
 * changes nothing, but has to be right all the same.
 */
import { parseManagement } from "./config-addresses.ts";
import type { OpenvpnSettings } from "./config-engines.ts";
import type { HistorySettings } from "./config-parts.ts";
import { absolutePath } from "./config-values.ts";
import { reasonOf } from "./errors.ts";
import { type Bytes, bytes, type Milliseconds, milliseconds } from "./units.ts";
import { parseZone } from "./zones.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings that the environment has names for. */
interface Overridable {
  /** OPENVPN_MONITOR_TZ. */
  readonly timeZone: string;
  /** MAX_LOG_SIZE, in bytes. */
  readonly maxLogSize: Bytes;
  /** DB_FLUSH_INTERVAL, in seconds. */
  readonly history: HistorySettings | null;
  /**
   * The first server: OPENVPN_UDS_SOCKET, OPENVPN_STATUS_LOG. Every server:
   * BYTECOUNT_INTERVAL, RECONCILE_INTERVAL, MONITOR_INTERVAL (seconds), QUOTA_BUFFER_BYTES.
   */
  readonly openvpn: readonly OpenvpnSettings[];
}

/** The settings with what the environment says in place; what cannot be used goes to `problems`. */
export function withEnvironment<Settings extends Overridable>(
  settings: Settings,
  environment: Environment,
  problems: string[],
): Settings {
  const [first, ...others] = settings.openvpn;
  // Keys are absent, not undefined, for what is not set: spreading them changes nothing then.
  const everyServer = {
    ...read("BYTECOUNT_INTERVAL", (text) => ({ bytecountInterval: seconds(text, 3600) })),
    ...read("RECONCILE_INTERVAL", (text) => ({ reconcileInterval: seconds(text, 86_400) })),
    ...read("MONITOR_INTERVAL", (text) => ({ monitorInterval: seconds(text, 3600) })),
    ...read("QUOTA_BUFFER_BYTES", (text) => ({ quotaBuffer: amount(text, 0, Number.MAX_SAFE_INTEGER) })),
  };
  const firstServer = {
    ...read("OPENVPN_UDS_SOCKET", (text) => ({ management: parseManagement(text) })),
    ...read("OPENVPN_STATUS_LOG", (text) => ({ statusFile: path(text) })),
  };
  const history = read("DB_FLUSH_INTERVAL", (text) => ({ flush: seconds(text, 3600) }));
  return {
    ...settings,
    ...read("OPENVPN_MONITOR_TZ", (text) => ({ timeZone: parseZone(text) })),
    ...read("MAX_LOG_SIZE", (text) => ({ maxLogSize: amount(text, 65_536, 2 ** 40) })),
    history: settings.history && { ...settings.history, ...history },
    openvpn: [
      ...(first ? [{ ...first, ...everyServer, ...firstServer }] : []),
      ...others.map((server) => ({ ...server, ...everyServer })),
    ],
  };

  function read<Values extends object>(name: string, parse: (text: string) => Values): Values | undefined {
    const text = environment[name];
    if (text === undefined || text === "") return undefined;
    try {
      return parse(text);
    } catch (error) {
      problems.push(`environment ${name}: ${reasonOf(error)}`);
      return undefined;
    }
  }
}

function seconds(text: string, longest: number): Milliseconds {
  return milliseconds(whole(text, 1, longest, "seconds") * 1000);
}

function amount(text: string, least: number, most: number): Bytes {
  return bytes(whole(text, least, most, "bytes"));
}

function whole(text: string, least: number, most: number, unit: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(`expected ${least} to ${most} ${unit}, got "${text}"`);
}

function path(text: string): string {
  const whole = absolutePath(text);
  if (whole === undefined) throw new SyntaxError(`expected an absolute path, got "${text}"`);
  return whole;
}

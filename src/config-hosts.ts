/** The settings of host capture: where it listens, which logs it follows, what it keeps. */
import { attempt, flag, integer, list, oneOf, part, pathOf, type Section, section } from "./config-fields.ts";
import { days } from "./config-parts.ts";
import { absolutePath, shown, textLike } from "./config-values.ts";
import { parseLogFormat } from "./log-format.ts";

export interface HostsSettings {
  /** As the kernel names them; "any" is all of them. */
  readonly interfaces: readonly string[];
  /** Whose connections are looked at: those clients open to this host, those this host opens for them, or both. */
  readonly direction: "inbound" | "outbound" | "both";
  /** Whether questions to name servers count: a name looked up is not yet one asked for. */
  readonly dns: boolean;
  readonly nginxAccess: readonly NginxAccessLog[];
  readonly nginxError: readonly string[];
  /** Names of this host itself, in lower case. Not listed. */
  readonly ownDomains: readonly string[];
  readonly maxHosts: number;
  readonly perAccount: boolean;
  readonly retentionDays: number;
}

export interface NginxAccessLog {
  readonly path: string;
  /** "combined", "proxy_capture" (facts: legacy-scripts 4.3), or a text that parseLogFormat() takes. */
  readonly format: string;
}

const KEYS = [
  ...["interfaces", "direction", "dns", "nginx_access", "nginx_error"],
  ...["own_domains", "max_hosts", "per_account", "retention_days"],
];

const NGINX_ACCESS: readonly NginxAccessLog[] = [
  { path: "/var/log/nginx/access.log", format: "combined" },
  { path: "/var/log/nginx/vps-access.log", format: "combined" },
  { path: "/var/log/nginx/proxy-capture.log", format: "proxy_capture" },
];

export function readHosts(root: Section): HostsSettings | null {
  return part(root, "hosts", KEYS, (hosts) => ({
    // 15 bytes is what the kernel allows (IFNAMSIZ).
    interfaces: list(hosts, "interfaces", ["any"], "interface names", (item) =>
      textLike(item, /^[^\s/]{1,15}$/),
    ),
    direction: oneOf(hosts, "direction", ["inbound", "outbound", "both"], "both"),
    dns: flag(hosts, "dns", false),
    nginxAccess: list<unknown>(hosts, "nginx_access", NGINX_ACCESS, "logs", (item) => item).map((item, at) =>
      readAccessLog(
        section(item, `${pathOf(hosts, "nginx_access")}[${at}]`, ["path", "format"], hosts.problems),
      ),
    ),
    nginxError: list(hosts, "nginx_error", ["/var/log/nginx/error.log"], "absolute paths", absolutePath),
    ownDomains: list(hosts, "own_domains", [], "host names", (item) =>
      textLike(item, /^[\w-]+(\.[\w-]+)*$/)?.toLowerCase(),
    ),
    maxHosts: integer(hosts, "max_hosts", { min: 1, max: 10_000_000, fallback: 100_000 }),
    perAccount: flag(hosts, "per_account", false),
    retentionDays: days(hosts, "retention_days", 90),
  }));
}

/** Without a format it is nginx's own default, as in its config; without a path it is nothing. */
function readAccessLog(log: Section): NginxAccessLog {
  const { path, format = "combined" } = log.fields;
  return {
    path: attempt(log, pathOf(log, "path"), "", () => pathIn(path)),
    format: attempt(log, pathOf(log, "format"), "combined", () => formatIn(format)),
  };
}

function pathIn(value: unknown): string {
  const path = absolutePath(value);
  if (path !== undefined) return path;
  throw new SyntaxError(`expected an absolute path, got ${value === undefined ? "nothing" : shown(value)}`);
}

function formatIn(value: unknown): string {
  if (value === "combined" || value === "proxy_capture") return value;
  if (typeof value !== "string") {
    throw new SyntaxError(`expected "combined", "proxy_capture" or a log_format, got ${shown(value)}`);
  }
  parseLogFormat(value);
  return value;
}

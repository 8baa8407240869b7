/**
 * Which OpenVPN servers a host has: those that run, and those whose configs lie
 * where systemd's units look for them.
 */
import { basename, dirname, isAbsolute, join } from "node:path";

/** Files of a host; undefined and nothing for what is not there. */
export interface HostFiles {
  read(path: string): string | undefined;
  entries(folder: string): readonly string[];
  /** Where a link leads. */
  link(path: string): string | undefined;
}

export interface FoundServer {
  /** The config file's name without ".conf": "server". */
  readonly name: string;
  /** Absolute. */
  readonly config: string;
  /** What relative paths in it begin at. */
  readonly folder: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** "openvpn-server@server.service"; undefined for one that systemd does not start. */
  readonly unit: string | undefined;
  /** Whether its command line names a status file: the units of Debian do. */
  readonly statusGiven: boolean;
}

/** Where configs are, and the units that run them; both are Debian's and Ubuntu's, the second upstream's too. */
const PLACES = [
  { folder: "/etc/openvpn", unit: "openvpn" },
  { folder: "/etc/openvpn/server", unit: "openvpn-server" },
];

/** Running ones first; one config once. */
export function findServers(files: HostFiles): readonly FoundServer[] {
  const running = runningServers(files);
  const known = new Set(running.map(({ config }) => config));
  const lying = PLACES.flatMap(({ folder, unit }) =>
    files
      .entries(folder)
      .filter((entry) => /^[\w@.+-]+\.conf$/.test(entry))
      .map((entry): FoundServer => {
        const name = entry.slice(0, -".conf".length);
        const config = `${folder}/${entry}`;
        return { name, config, folder, pid: undefined, unit: `${unit}@${name}.service`, statusGiven: true };
      })
      .filter(({ config }) => !known.has(config)),
  );
  return [...running, ...lying];
}

/** The server that this process is; undefined for another program. */
export function serverAt(files: HostFiles, pid: number): FoundServer | undefined {
  return unlessHidden(() => serverOf(files, pid, files.link("/proc/self/ns/pid")));
}

function runningServers(files: HostFiles): FoundServer[] {
  const home = files.link("/proc/self/ns/pid");
  return files.entries("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    return unlessHidden(() => serverOf(files, Number(entry), home)) ?? [];
  });
}

/** @param home the process IDs' namespace of this program: the files of another are not this host's. */
function serverOf(files: HostFiles, pid: number, home: string | undefined): FoundServer | undefined {
  const argv = (files.read(`/proc/${pid}/cmdline`) ?? "").split("\0").slice(0, -1);
  if (basename(argv[0] ?? "") !== "openvpn") return undefined;
  const space = files.link(`/proc/${pid}/ns/pid`);
  if (home !== undefined && space !== undefined && space !== home) return undefined;
  const given = argv[1] !== undefined && !argv[1].startsWith("-") ? argv[1] : wordAfter(argv, "--config");
  const folder = wordAfter(argv, "--cd") ?? files.link(`/proc/${pid}/cwd`);
  if (given === undefined || (!isAbsolute(given) && folder === undefined)) return undefined;
  const config = isAbsolute(given) ? given : join(folder ?? "/", given);
  const cgroup = files.read(`/proc/${pid}/cgroup`) ?? "";
  return {
    name: basename(config).replace(/\.conf$/, ""),
    config,
    folder: folder ?? dirname(config),
    pid,
    unit: /\/(openvpn[^/\n]*\.service)$/m.exec(cgroup)?.[1] ?? unitOf(config),
    statusGiven: argv.includes("--status"),
  };
}

function unitOf(config: string): string | undefined {
  const place = PLACES.find(({ folder }) => folder === dirname(config));
  return place && `${place.unit}@${basename(config).replace(/\.conf$/, "")}.service`;
}

function wordAfter(argv: readonly string[], option: string): string | undefined {
  const at = argv.lastIndexOf(option);
  return at === -1 ? undefined : argv[at + 1];
}

/** Of a process that ends meanwhile, or that this user may not look at. */
function unlessHidden<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

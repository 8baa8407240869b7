/**
 * What an installation consists of: each file with its mode and content.
 *
 * The program is a folder of its own, replaced as a whole; its path stays the
 * same over upgrades, since units, drop-ins of engines and shims name it.
 *
 * Pure: no clock, no I/O.
 */

export const PROGRAM = "/opt/sluice";
/** Where Node goes if the host's own is too old; it stays with the program. */
export const OWN_NODE = `${PROGRAM}/node/bin/node`;
export const RECORD = "/var/lib/sluice/installed.json";
export const SETTINGS = "/etc/myvpn/sluice.json";
export const UNITS = "/etc/systemd/system";

/** Each name is a face of the program (SLUICE_CALLED_AS). */
export const COMMANDS = [
  ...["sluice", "cek-bw-limit", "capture-host", "menu-captured-hosts"],
  ...["realtime-bandwidth", "realtime-hosts"],
] as const;

/** OpenVPN's config names them, so they have no face either. */
export const HOOKS = ["client-connect", "client-disconnect"].map(
  (name) => `${PROGRAM}/scripts/openvpn/${name}`,
);
/** Sourced by operators' scripts, so it has no face. */
export const LIBRARY = "bw-tracking-lib";
export const ENFORCER = "bw-limit-check.service";
export const CAPTURE = "host-capture.service";
export const WEB = "sluice-web.service";
export const GATES = "sluice-gates.service";

export type Wanted =
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

export interface LayoutOptions {
  /** The node binary, as units and shims are to name it. */
  readonly node: string;
  /** Text of a file of the package: "systemd/sluice.logrotate". */
  readonly shipped: (name: string) => string;
  readonly completion: string;
  readonly manPage: string;
  /** Units that start at boot. */
  readonly enabled: readonly string[];
  /** Commands to be found under /usr/bin too, where the shell scripts had theirs. */
  readonly oldCommands: readonly string[];
}

/** Everything but the program and the settings; what is in a folder comes after the folder. */
export function layoutOf(options: LayoutOptions): readonly Wanted[] {
  const { node, shipped, completion, manPage, enabled, oldCommands } = options;
  return [
    folder("/etc/myvpn", 0o755),
    folder("/etc/myvpn/usage", 0o750),
    folder("/var/lib/sluice", 0o755),
    folder("/var/log/sluice", 0o750),
    ...COMMANDS.map((name) => file(`/usr/local/bin/${name}`, 0o755, shim(name, node))),
    file(`/usr/local/bin/${LIBRARY}`, 0o644, shipped(`scripts/${LIBRARY}`)),
    ...[ENFORCER, CAPTURE, WEB, GATES].map((unit) =>
      file(`${UNITS}/${unit}`, 0o644, unitText(shipped(`systemd/${unit}`), node)),
    ),
    ...enabled.map((unit) => link(`${UNITS}/multi-user.target.wants/${unit}`, `${UNITS}/${unit}`)),
    file("/etc/sysusers.d/sluice.conf", 0o644, shipped("systemd/sluice.sysusers")),
    file("/etc/tmpfiles.d/sluice.conf", 0o644, shipped("systemd/sluice.tmpfiles")),
    file("/etc/logrotate.d/sluice", 0o644, shipped("systemd/sluice.logrotate")),
    file("/usr/local/share/bash-completion/completions/sluice", 0o644, completion),
    file("/usr/local/share/man/man8/sluice.8", 0o644, manPage),
    ...oldCommands.map((path) => link(path, `/usr/local/bin/${commandOf(path)}`)),
  ];
}

/** The settings of a host that has none yet. */
export function firstSettings(mode: "observe" | "enforce"): string {
  return `// Settings of Sluice; every key is in the README, and has a default.
// "observe" books and shows what would be done; "enforce" cuts at the limits.
{ "mode": "${mode}" }
`;
}

/** "/usr/bin/cek-bw-limit.sh" is "cek-bw-limit". */
function commandOf(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.sh$/, "");
}

function folder(path: string, mode: number): Wanted {
  return { kind: "folder", path, mode };
}

function file(path: string, mode: number, text: string): Wanted {
  return { kind: "file", path, mode, text };
}

function link(path: string, target: string): Wanted {
  return { kind: "link", path, target };
}

function shim(name: string, node: string): string {
  return `#!/bin/sh
# Sluice; written by its install.sh, and removed by: sluice uninstall
SLUICE_CALLED_AS=${name} exec ${node} --max-semi-space-size=2 ${PROGRAM}/dist/cli.js "$@"
`;
}

/** The unit with this host's Node in it; the paths of the program are what they are here. */
function unitText(text: string, node: string): string {
  return text.replaceAll(/^(Exec\w+=[-+!:@]*)\/usr\/bin\/node /gm, (_, begin: string) => `${begin}${node} `);
}

/** OpenVPN servers: whether their clients can be told apart, counted and cut (facts: openvpn 2, 3, 6). */
import type { OpenvpnSettings } from "../../../config.ts";
import type { ServerConfig } from "../../../sources/openvpn/server-config.ts";
import { findServers } from "../../../sources/openvpn/server-process.ts";
import type { ChosenServer } from "../../cli/openvpn-server.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";
import type { Host } from "../host.ts";

const SETUP = "sluice openvpn setup shows what it needs, and asks";
/** Where a status file is read: what passes between two of its writes is not seen. */
const COARSE_S = 30;

/** Configs, hooks and spools are root's: said once, and only where there is a server. */
export function judgeSight(host: Host, named: readonly OpenvpnSettings[]): Finding[] {
  if (host.uid === 0 || named.length === 0 || findServers(host).length === 0) return [];
  return [unseen("openvpn-seen", "it takes root", "sudo sluice doctor")];
}

export function judgeOpenvpnConfig(server: ChosenServer): Finding[] {
  const check = "openvpn-config";
  const { name, config, standing, settings } = server;
  const [trouble] = standing.problems;
  if (trouble !== undefined)
    return [problem(check, `${config} cannot be read: ${trouble}`, "put that line right")];
  const [include] = standing.includes;
  const findings = [
    ...(include === undefined
      ? []
      : [unseen(check, `${config} takes in "${include}"`, "write it into one file")]),
    ...judgeNames(check, server),
  ];
  const { management } = standing;
  if (settings?.management === null) return findings;
  if (management === undefined) {
    return [
      ...findings,
      problem(check, `${name} has no management interface: nobody is counted or cut there`, SETUP),
    ];
  }
  if (settings !== undefined && settings.management !== management.address) {
    findings.push(
      problem(
        check,
        `${name} listens at ${management.address} for its management, and the settings look at ${settings.management}`,
        `${SETUP}; or set openvpn.management to ${management.address}`,
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [ok(check, `${name} is where the settings look for it (${config})`)];
}

function judgeNames(check: string, { name, standing, settings }: ChosenServer): Finding[] {
  const nameless = standing.clientCertificate === "none" && !standing.usernameAsCommonName;
  if (!nameless || settings?.usersBy === "username") return [];
  return [
    problem(
      check,
      `${name} asks for no certificate, so that its clients have no common name: nobody is told apart`,
      'set openvpn.users_by to "username", or add username-as-common-name to its config',
    ),
  ];
}

/** What clients send each other there never leaves the server's process. */
export function judgeClientToClient({ name, standing }: ChosenServer): Finding[] {
  const check = "openvpn-client-to-client";
  if (!standing.clientToClient) return [];
  return [
    warning(
      check,
      `${name} has client-to-client: what clients send each other passes by the kernel, and so by their gates`,
      "take client-to-client out (the kernel forwards it then), or leave the cut to the server",
    ),
  ];
}

/** Every look of ours is a line in its log from verb 3 on: 86,400 a day at one a second. */
export function judgeLog({ name, standing, settings }: ChosenServer): Finding[] {
  if (standing.management === undefined || settings?.management === null || standing.verbosity < 3) return [];
  return [
    warning(
      "openvpn-log",
      `${name} has verb ${standing.verbosity}, and writes a line for each look at it: up to 86,400 a day`,
      "verb 2 in its config, or see that its log is rotated by size",
    ),
  ];
}

/** A file that is not written stays where it is, with the figures it had (facts: openvpn 3). */
export function judgeStatusFile({ name, standing, settings }: ChosenServer, { host, now }: Case): Finding[] {
  const check = "openvpn-status";
  const path = settings?.statusFile ?? undefined;
  if (path === undefined || settings?.management !== null) return [];
  const file = host.stat(path);
  if (!file) return [problem(check, `${path} is not there: nobody of ${name} is counted`, SETUP)];
  const age = Math.max(0, Math.round((now - file.mtimeMs) / 1000));
  const interval = standing.statusFile === path ? standing.statusInterval : COARSE_S;
  if (age > 2 * interval + 5) {
    return [
      problem(
        check,
        `${path} is ${age} s old, where ${name} should write it every ${interval} s: nobody is counted there`,
        "see whether the server runs, and writes this file",
      ),
    ];
  }
  return interval > COARSE_S
    ? [
        warning(
          check,
          `${name} writes ${path} every ${interval} s: a login's last bytes up to then go uncounted`,
          `status ${path} 10 in its config; or ${SETUP}`,
        ),
      ]
    : [ok(check, `${path} is ${age} s old`)];
}

/** Faults of OpenVPN 2.6 where the kernel moves the packets (facts: openvpn 2). */
export async function lookAtOffload(servers: readonly ChosenServer[], host: Host): Promise<Finding[]> {
  const check = "openvpn-dco";
  const offloaded = servers.filter(({ standing }) => canOffload(standing));
  if (offloaded.length === 0 || host.stat("/sys/module/ovpn_dco_v2") === undefined) return [];
  const said = await host.run("openvpn", ["--version"]);
  const [, major, minor, patch] = /^OpenVPN (\d+)\.(\d+)(?:\.(\d+))?/.exec(said?.stdout ?? "") ?? [];
  if (major === undefined) return [unseen(check, "the version of OpenVPN, as it cannot be asked")];
  const version = `${major}.${minor}${patch === undefined ? "" : `.${patch}`}`;
  const faulty = Number(major) === 2 && Number(minor) === 6 && Number(patch ?? 0) < 20;
  if (!faulty) return [ok(check, `OpenVPN ${version} lets the kernel move packets, and tells what it moved`)];
  return [
    warning(
      check,
      `OpenVPN ${version} lets the kernel move packets (DCO), and may miss the end of a client: it stays listed, and its last figures are not told`,
      `disable-dco in ${offloaded.map(({ config }) => config).join(", ")}; or OpenVPN 2.6.20 or later`,
    ),
  ];
}

/** Only tun devices, and not with what the kernel's part cannot do. */
function canOffload({ dcoDisabled, device, options }: ServerConfig): boolean {
  const undone = ["compress", "comp-lzo", "fragment", "secret"];
  return (
    !dcoDisabled && !(device ?? "").startsWith("tap") && !options.some(({ name }) => undone.includes(name))
  );
}

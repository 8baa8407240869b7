/** The host capture: whether it runs, what it hears, whether its list is where it is looked for. */

import { UnreachableError } from "../../../errors.ts";
import { CaptureClient, captureSocket } from "../../../hosts/capture-client.ts";
import { hostsLink } from "../../../hosts/hosts-link.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";

export async function lookAtCapture({ host, settings }: Case): Promise<Finding[]> {
  const check = "capture";
  if (!settings.hosts) return [ok(check, "the host capture is switched off in the settings")];
  const path = captureSocket(settings);
  try {
    const { hosts, taps, saveTrouble } = await new CaptureClient(host.place(path)).status();
    const silent = taps.filter(({ trouble }) => trouble !== "");
    return [
      ok(
        check,
        `the capture runs: ${hosts} hosts, ${taps.length - silent.length} of ${taps.length} taps work`,
      ),
      ...(saveTrouble === ""
        ? []
        : [problem(check, `the list is not saved: ${saveTrouble}`, "make room, or let it write there")]),
      ...silent.map(({ name, trouble }) => warning(check, `nothing from ${name}: ${trouble}`, "")),
    ];
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (host.uid !== 0) return [unseen(check, `the capture's socket ${path}`, "sudo sluice doctor")];
    return [warning(check, "the host capture does not run", "sluice hosts on")];
  }
}

export function lookAtTcpdump({ host, settings }: Case): Finding[] {
  if (!settings.hosts) return [];
  const check = "tcpdump";
  return host.program("tcpdump") === undefined
    ? [warning(check, "tcpdump is not installed: names are taken from logs alone", "apt-get install tcpdump")]
    : [ok(check, "tcpdump is installed")];
}

export function lookAtHostsLink({ host, settings }: Case): Finding[] {
  if (!settings.hosts) return [];
  const check = "hosts-link";
  const { link, target } = hostsLink(settings);
  if (host.link(link) === target) return [ok(check, `${link} is the capture's list`)];
  if (host.stat(target) === undefined) return [ok(check, "no host was captured yet")];
  const what = host.lstat(link) === undefined ? "is not there" : "is not the capture's list";
  return [
    warning(check, `${link} ${what}: readers of it see nothing new`, "sluice hosts link", {
      kind: "hosts-link",
      link,
      target,
    }),
  ];
}

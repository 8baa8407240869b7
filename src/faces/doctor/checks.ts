/** All checks there are, in the order they are shown. */
import { dropInPath, UNIT_DIRECTORY } from "../../enforcement/xray/engine-drop-in.ts";
import { clockSynchronised } from "../../kernel/clock-sync.ts";
import { changedSinceImport } from "../../storage/legacy/import-record.ts";
import { dropInTextFor } from "../cli/drop-in.ts";
import { type ChosenServer, serversOn } from "../cli/openvpn-server.ts";
import type { Case, Check, Group } from "./case.ts";
import { lookAtCapture, lookAtHostsLink, lookAtTcpdump } from "./checks/capture.ts";
import { lookAtClock, lookAtZone } from "./checks/clock.ts";
import { lookAtDaemon, lookAtSources, lookAtWatchdog, lookForOthers } from "./checks/daemon.ts";
import { lookAtDisk } from "./checks/disk.ts";
import { judgeConfig, judgeEmails, judgeServices, judgeStats, judgeTags } from "./checks/engine-config.ts";
import { lookAtAccessLog, lookAtForwarded } from "./checks/engine-log.ts";
import { judgeApi, judgePlace, judgeVersion } from "./checks/engine-process.ts";
import { lookForReaders } from "./checks/engine-readers.ts";
import { judgeSplice } from "./checks/engine-splice.ts";
import {
  cgroupObstacle,
  lookAtConntrack,
  lookAtDestroy,
  lookAtNftables,
  lookForMarks,
} from "./checks/kernel.ts";
import { legacyFilesCheck } from "./checks/legacy-files.ts";
import { lookForOldCrons, lookForOldLoops, lookForOldServices } from "./checks/old-scripts.ts";
import {
  judgeClientToClient,
  judgeLog,
  judgeOpenvpnConfig,
  judgeSight,
  judgeStatusFile,
  lookAtOffload,
} from "./checks/openvpn.ts";
import { judgeHooks, judgeSpool, judgeUnit } from "./checks/openvpn-hooks.ts";
import { judgeSocket, lookForHolders } from "./checks/openvpn-socket.ts";
import { lookAtPermissions } from "./checks/permissions.ts";
import { lookAtDropbear, lookAtSshd } from "./checks/ssh.ts";
import { lookAtUnits } from "./checks/units.ts";
import { judgeAlikeNames, judgeSharedNames, judgeStops } from "./checks/users.ts";
import type { EngineFacts } from "./engine-facts.ts";
import type { Finding } from "./finding.ts";
import { knownNames } from "./known-names.ts";

export const GROUPS: readonly Group[] = [
  {
    title: "Sluice",
    checks: [
      { name: "daemon", look: lookAtDaemon },
      { name: "sources", look: lookAtSources },
      { name: "watchdog", look: lookAtWatchdog },
      { name: "one-enforcer", root: true, look: lookForOthers },
      { name: "units", look: lookAtUnits },
    ],
  },
  {
    title: "Engines",
    checks: [
      ofEngines("xray-api", judgeApi),
      ofEngines("xray-services", judgeServices),
      ofEngines("xray-tags", judgeTags),
      ofEngines("xray-stats", judgeStats),
      ofEngines("xray-emails", judgeEmails),
      ofEngines("xray-config", judgeConfig),
      ofEngines("xray-version", judgeVersion),
      ofEngines("xray-splice", spliceOf),
      ofEngines("xray-access-log", lookAtAccessLog),
      ofEngines("xray-forwarded", lookAtForwarded),
      ofEngines("xray-place", judgePlace),
      { name: "xray-readers", root: true, look: lookForReaders },
    ],
  },
  {
    title: "SSH",
    checks: [
      { name: "ssh-dropbear", root: true, look: (it) => lookAtDropbear(it, () => cgroupObstacle(it.host)) },
      { name: "ssh-unseen", look: lookAtSshd },
    ],
  },
  {
    title: "OpenVPN",
    checks: [
      { name: "openvpn-seen", look: ({ host, settings }) => judgeSight(host, settings.openvpn) },
      ofServers("openvpn-config", judgeOpenvpnConfig),
      ofServers("openvpn-socket", judgeSocket),
      { name: "openvpn-holders", look: (it) => lookForHolders(serversIn(it), it) },
      ofServers("openvpn-hooks", judgeHooks),
      ofServers("openvpn-spool", judgeSpool),
      ofServers("openvpn-unit", judgeUnit),
      ofServers("openvpn-log", judgeLog),
      ofServers("openvpn-status", judgeStatusFile),
      ofServers("openvpn-client-to-client", judgeClientToClient),
      { name: "openvpn-dco", look: (it) => lookAtOffload(serversIn(it), it.host) },
    ],
  },
  {
    title: "Users",
    checks: [
      { name: "stops", look: ({ daemon }) => (daemon ? judgeStops(daemon.users) : []) },
      { name: "names-shared", look: (it) => judgeSharedNames(knownNames(it)) },
      { name: "names-alike", look: (it) => judgeAlikeNames(knownNames(it)) },
    ],
  },
  {
    title: "Kernel",
    checks: [
      { name: "kernel-nftables", root: true, look: lookAtNftables },
      { name: "kernel-conntrack", look: lookAtConntrack },
      { name: "kernel-destroy", root: true, look: lookAtDestroy },
      { name: "kernel-marks", root: true, look: lookForMarks },
    ],
  },
  {
    title: "Host",
    checks: [
      { name: "clock", look: () => lookAtClock(clockSynchronised()) },
      { name: "time-zone", look: lookAtZone },
      { name: "disk", look: lookAtDisk },
      { name: "permissions", look: lookAtPermissions },
    ],
  },
  {
    title: "Host capture",
    checks: [
      { name: "capture", look: lookAtCapture },
      { name: "tcpdump", look: lookAtTcpdump },
      { name: "hosts-link", look: lookAtHostsLink },
    ],
  },
  {
    title: "Old scripts",
    checks: [
      { name: "old-crons", root: true, look: lookForOldCrons },
      { name: "old-services", look: lookForOldServices },
      { name: "old-loops", look: lookForOldLoops },
      legacyFilesCheck(changedSinceImport),
    ],
  },
];

function ofEngines(name: string, judge: (engine: EngineFacts, it: Case) => readonly Finding[]): Check {
  return { name, look: (it) => it.engines.flatMap((engine) => judge(engine, it)) };
}

function ofServers(name: string, judge: (server: ChosenServer, it: Case) => readonly Finding[]): Check {
  return { name, look: (it) => serversIn(it).flatMap((server) => judge(server, it)) };
}

/** None where the settings want nothing to do with OpenVPN, and none for who is not root, who is told so once. */
function serversIn({ host, settings }: Case): readonly ChosenServer[] {
  return settings.openvpn.length === 0 || host.uid !== 0 ? [] : serversOn(host, settings.openvpn);
}

function spliceOf(engine: EngineFacts, { host, settings, daemon }: Case): Finding[] {
  const { name, service } = engine.settings;
  const users = daemon?.users ?? [];
  if (service === null) return judgeSplice(engine, users, { installed: false, fix: undefined });
  const path = dropInPath({ unit: service, directory: UNIT_DIRECTORY });
  const before = host.read(path) ?? null;
  const text = dropInTextFor(name, settings.path, false);
  return judgeSplice(engine, users, {
    installed: before?.includes("XRAY_BUF_SPLICE=disable") ?? false,
    fix: { kind: "drop-in", unit: service, path, before, text },
  });
}

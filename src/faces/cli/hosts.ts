/** `hosts`: the list of captured hosts, through the capture if it runs, else in its file. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { giveToCapture } from "../../capture-user.ts";
import type { Settings } from "../../config.ts";
import type { HostsSettings } from "../../config-hosts.ts";
import { RefusedRequestError, reasonOf, UnreachableError } from "../../errors.ts";
import { CaptureClient, captureSocket } from "../../hosts/capture-client.ts";
import type { CaptureStatus, HostRow } from "../../hosts/capture-desk.ts";
import type { HostLine } from "../../hosts/host-line.ts";
import { HostsStore, hostsFolder } from "../../hosts/hosts-store.ts";
import { OwnPlaces } from "../../hosts/own-places.ts";
import { unixTime } from "../../units.ts";
import { tableText } from "./columns.ts";
import { answer } from "./output.ts";
import { quietLog, settingsFor } from "./settings-for.ts";
import { shownHost } from "./shown-host.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

/** The unit that `on` and `off` drive. */
const UNIT = "host-capture.service";

export async function listHosts(options: Options & { readonly user?: string }): Promise<void> {
  const rows = await hostRows(await settingsFor(options), options.user);
  answer(options, rows, () => hostsTable(rows));
}

/** @param user whose hosts; all of them if left out. */
export async function hostRows(settings: Settings, user?: string): Promise<readonly HostRow[]> {
  return withHosts(
    settings,
    async (client) => Array.fromAsync(client.rows(user)),
    (store) => (user === undefined ? [...store.rows()] : store.rowsOf(user)),
  );
}

export async function addHost(
  host: string,
  options: Options & { readonly service: string; readonly source?: string },
): Promise<void> {
  const { service, source } = options;
  const added = await withHosts(
    await settingsFor(options),
    (client) => client.add(host, service, source),
    (store) => store.add(host, service, source, unixTime(Date.now())),
  );
  answer(options, { added: added ?? null }, () =>
    added ? `Added ${added.host} (${added.service}).` : `${host} is in the list already.`,
  );
}

export async function removeHosts(hosts: readonly string[], options: Options): Promise<void> {
  const removed = await withHosts(
    await settingsFor(options),
    (client) => client.remove(hosts),
    (store) => store.remove(hosts),
  );
  answer(options, { removed }, () => `Removed ${removed.length} of ${hosts.length}: ${removed.join(", ")}`);
}

/** @throws {RefusedRequestError} without `--yes`. */
export async function clearHosts(options: Options & { readonly yes?: boolean }): Promise<void> {
  if (!options.yes) {
    throw new RefusedRequestError("Cannot clear the list of hosts without --yes: all of them are forgotten");
  }
  const removed = await withHosts(
    await settingsFor(options),
    (client) => client.clear(),
    (store) => store.clear(),
  );
  answer(options, { removed }, () => `Removed ${removed} hosts.`);
}

/** @returns what is new, in the order it was found. */
export async function scanForHosts(settings: Settings): Promise<readonly HostLine[]> {
  const hosts = hostsSettings(settings);
  try {
    return await new CaptureClient(captureSocket(settings)).scan();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
  }
  const { scanOnce } = await import("../../capture.ts");
  return scanOnce({ settings, hosts, log: quietLog });
}

export async function scanHosts(options: Options): Promise<void> {
  const lines = await scanForHosts(await settingsFor(options));
  answer(options, lines, () => [...lines.map(lineText), `${lines.length} new hosts.`].join("\n"));
}

export async function showCapture(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  const status = await new CaptureClient(captureSocket(settings)).status();
  answer(options, status, () => statusText(status));
}

/** Starts or stops the unit, now and at boot. */
export async function switchCapture(on: boolean, options: Options): Promise<void> {
  const verb = on ? "enable" : "disable";
  try {
    await promisify(execFile)("systemctl", [verb, "--now", UNIT]);
  } catch (cause) {
    throw new Error(`Cannot ${verb} ${UNIT}: ${reasonOf(cause)}`, { cause });
  }
  answer(options, { capture: on }, () => `The host capture is ${on ? "on" : "off"} (${UNIT}).`);
}

/** Whether hosts are captured at all. @throws {RefusedRequestError} when the settings switch it off. */
export function hostsSettings(settings: Settings): HostsSettings {
  if (settings.hosts) return settings.hosts;
  throw new RefusedRequestError("Cannot work on hosts: the settings switch them off (hosts is null)");
}

/** Works through the capture or, without one, at the list itself. */
export async function withHosts<Result>(
  settings: Settings,
  ask: (client: CaptureClient) => Promise<Result>,
  work: (store: HostsStore) => Result,
): Promise<Result> {
  const hosts = hostsSettings(settings);
  try {
    return await ask(new CaptureClient(captureSocket(settings)));
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
  }
  const directory = hostsFolder(settings.dataDirectory);
  using store = await HostsStore.open({
    ...{ settings: hosts, timeZone: settings.timeZone, onNew: () => undefined, directory },
    own: new OwnPlaces(hosts.ownDomains),
  });
  const result = work(store);
  giveToCapture(directory);
  return result;
}

function hostsTable(rows: readonly HostRow[]): string {
  if (rows.length === 0) return "No hosts captured yet.";
  const table = tableText(
    [
      { title: "NO", align: "right" },
      { title: "HOST", align: "left", widest: 60 },
      { title: "SERVICE", align: "left" },
      { title: "SOURCE", align: "left" },
      { title: "CAPTURED", align: "left" },
      { title: "SEEN", align: "right" },
    ],
    rows.map((row, index) => [
      String(index + 1),
      shownHost(row.host),
      row.ech ? `${row.service}, ECH` : row.service,
      row.source,
      row.time,
      String(row.count),
    ]),
  );
  const ech = rows.some((row) => row.ech)
    ? ["ECH: perhaps only the outer name of an encrypted ClientHello"]
    : [];
  return [table, ...ech, `Total hosts: ${rows.length}`].join("\n");
}

function lineText({ host, service, source, time }: HostLine): string {
  return `${time}  ${service.padEnd(12)} ${source.padEnd(15)} ${shownHost(host)}`;
}

function statusText(status: CaptureStatus): string {
  const refused = Object.entries(status.refusals).filter(([, count]) => count > 0);
  const { flows } = status;
  const lines = [
    `Host capture ${status.version}, pid ${status.pid}, up ${Math.round(status.uptimeMs / 1000)} s, direction ${status.direction}`,
    `${status.hosts} hosts; ${status.saveTrouble === "" ? "all saved" : `NOT SAVED, ${status.saveTrouble}`}`,
    `Enforcer: ${status.enforcer ? "tells whose a flow is" : "does not answer, so flows are nobody's"}; by account: ${status.perAccount ? "kept" : "not kept"}`,
    `Flows: ${flows.segments} packets, ${flows.flows} wait, ${flows.expired} never completed, ${flows.evicted} given up for newer ones`,
    `Refused: ${refused.map(([why, count]) => `${count} ${why}`).join(", ") || "none"}`,
  ];
  const taps = tableText(
    [
      { title: "TAP", align: "left" },
      { title: "TAKEN", align: "right" },
      { title: "DROPPED", align: "right" },
      { title: "STATE", align: "left" },
    ],
    status.taps.map(({ name, taken, dropped, trouble }) => [
      name,
      String(taken),
      String(dropped),
      trouble === "" ? "works" : trouble,
    ]),
  );
  return [...lines, "", taps].join("\n");
}

/**
 * The host capture, put together: taps, parsers, the list, its socket. Needs no
 * enforcer: without one, flows are put down to nobody.
 */
import { join } from "node:path";
import { systemClock } from "./clock.ts";
import type { Settings } from "./config.ts";
import type { HostsSettings } from "./config-hosts.ts";
import { CaptureEngines } from "./daemon/capture-engines.ts";
import { tellReady, tellStopping, watchdogJob } from "./daemon/watchdog.ts";
import { reasonOf } from "./errors.ts";
import { CaptureClient, captureSocket, captureWebSocket } from "./hosts/capture-client.ts";
import { CaptureDesk, type CaptureStatus, type CaptureWork } from "./hosts/capture-desk.ts";
import { EnforcerLine } from "./hosts/enforcer-line.ts";
import { FlowSights } from "./hosts/flow-sights.ts";
import type { HostLine } from "./hosts/host-line.ts";
import { hostsLink, keepLink } from "./hosts/hosts-link.ts";
import { HostsStore, hostsFolder } from "./hosts/hosts-store.ts";
import { LocalTimes } from "./hosts/local-times.ts";
import { LogTaps } from "./hosts/log-taps.ts";
import { serviceOfProtocol } from "./hosts/logs/access-sighting.ts";
import { NamedAddresses } from "./hosts/named-addresses.ts";
import { OwnPlaces } from "./hosts/own-places.ts";
import { PacketTaps } from "./hosts/packet-taps.ts";
import { parseDnsQuestion } from "./hosts/parsers/dns-question.ts";
import { parseQuicHello } from "./hosts/parsers/quic-hello.ts";
import { sniffStream } from "./hosts/parsers/stream.ts";
import type { Sighting } from "./hosts/sighting.ts";
import { captureFilter } from "./hosts/taps/capture-filter.ts";
import { TroubleLog } from "./hosts/trouble-log.ts";
import { Whereabouts } from "./hosts/whereabouts.ts";
import { peerCredentials } from "./kernel/peer-credentials.ts";
import { processesNamed } from "./kernel/processes.ts";
import { mayAskAsWeb } from "./local-users.ts";
import type { Log } from "./log.ts";
import { LOGIN_FILES, openLoginLog } from "./logs/login-log.ts";
import { periodicJob } from "./scheduler/periodic.ts";
import { type Job, Scheduler } from "./scheduler/scheduler.ts";
import { milliseconds, unixTime } from "./units.ts";
import { VERSION } from "./version.ts";

export interface CaptureOptions {
  readonly settings: Settings;
  /** The settings' part on hosts, which may be switched off there. */
  readonly hosts: HostsSettings;
  readonly log: Log;
}

const clock = systemClock;
const now = () => clock.unix();
/** Their processes whose users are logged in now. */
const SSH_SERVERS: ReadonlySet<string> = new Set(["sshd", "sshd-session", "dropbear", "dropbearmulti"]);
/** What waits for a name waits no longer. */
const FAR_FUTURE = unixTime(Number.MAX_SAFE_INTEGER);

/** Names may be lost for as long by a kill. */
const FLUSH = milliseconds(250);
const EXPIRE = milliseconds(200);
const ASK = milliseconds(5_000);
const LOOK_AROUND = milliseconds(5_000);
const FIGURES = milliseconds(60_000);
const RETIRE = milliseconds(3_600_000);

/**
 * Captures until `signal` aborts; everything is saved then.
 *
 * @throws the system's error when the list cannot be read or the socket cannot be made.
 */
export async function runCapture(options: CaptureOptions, signal: AbortSignal): Promise<void> {
  const { settings, hosts, log } = options;
  const startedAt = clock.monotonic();
  await refuseAnother(captureSocket(settings)); // before the list is touched
  await using parts = new AsyncDisposableStack();

  /** Each collects what is new while its scan runs. */
  const scans = new Set<HostLine[]>();
  const own = new OwnPlaces(hosts.ownDomains);
  const store = await openStore(options, own, (line) => {
    for (const found of scans) found.push(line);
    desk.push(line);
  });
  parts.use(store);
  parts.defer(() => store.saveFigures());
  parts.defer(() => store.flush());
  const onSight = (sighting: Sighting) => store.see(sighting);

  const engines = new CaptureEngines(settings);
  const whereabouts = new Whereabouts();
  const named = new NamedAddresses();
  const enforcer = parts.use(
    new EnforcerLine(join(settings.runtimeDirectory, "flows.sock"), (line) => logs.takeAccess(line)),
  );
  const logs: LogTaps = parts.use(
    new LogTaps({ ...{ settings: hosts, whereabouts, named, enforcer, engines, onSight }, now }),
  );
  const authLog = settings.ssh?.authLog ?? null;
  const logins = parts.use(
    openLoginLog(
      {
        paths: authLog === "auto" ? LOGIN_FILES : authLog === null ? [] : [authLog],
        journal: authLog === "auto",
      },
      (login) => logs.takeLogin(login),
    ),
  );
  try {
    const servers = new Set(processesNamed(SSH_SERVERS));
    for (const login of await logins.readBack(servers)) logs.takeLogin(login);
  } catch (error) {
    log.write("warning", `Cannot tell where SSH users came from before now: ${reasonOf(error)}`);
  }
  const sights = new FlowSights({
    ...{ own, enforcer, whereabouts, named, direction: hosts.direction },
    serviceOf: (account) => serviceOfProtocol(engines.protocolOf(undefined, account)),
    onSight,
  });
  const opened = hosts.direction !== "inbound";
  const packets = parts.use(
    new PacketTaps({
      interfaces: hosts.interfaces,
      filter: captureFilter({ dns: hosts.dns, opened }),
      ...{ stream: sniffStream, quic: parseQuicHello, addresses: opened },
      ...(hosts.dns ? { dns: parseDnsQuestion } : {}),
      onSight: (sight) => sights.take(sight),
    }),
  );

  const status = (): CaptureStatus => ({
    version: VERSION,
    pid: process.pid,
    uptimeMs: Math.round(clock.monotonic() - startedAt),
    hosts: store.list.register.size,
    waiting: store.list.waiting,
    saveTrouble: store.list.trouble ?? "",
    taps: [...packets.status(), ...logs.status(), ...engines.unread],
    flows: packets.counts,
    refusals: store.list.refusals,
    enforcer: enforcer.connected,
    direction: hosts.direction,
    perAccount: hosts.perAccount,
    domain: own.domain ?? "",
    address: own.address ?? "",
  });
  const work: CaptureWork = {
    status,
    total: () => store.list.register.size,
    rows: () => store.rows(),
    rowsOf: (account) => store.rowsOf(account),
    latest: (count) => store.list.latest(count),
    add: (host, service, source) => store.add(host, service, source, now()),
    remove: (names) => store.remove(names),
    clear: () => store.clear(),
    takeOver: (lines) => store.takeOver(lines),
    scan: async () => {
      const found: HostLine[] = [];
      scans.add(found);
      try {
        await scanLogs(logs, named, onSight);
      } finally {
        scans.delete(found);
      }
      return found;
    },
  };
  const desk: CaptureDesk = parts.use(
    new CaptureDesk(work, {
      path: captureSocket(settings),
      web: settings.web
        ? { path: captureWebSocket(settings), mayLook: (socket) => mayAskAsWeb(peerCredentials(socket).uid) }
        : undefined,
    }),
  );
  await desk.start();

  const times = new LocalTimes(settings.timeZone);
  const lookAround = async () => {
    if (process.getuid?.() === 0) await keepLink(hostsLink(settings), times, undefined);
    own.refresh();
    await engines.refresh();
    logs.followAccess(engines.accessLogs);
    // The enforcer may read what a config names; by which protocol its lines came is not known then.
    if (engines.unread.length > 0 && hosts.direction !== "inbound") enforcer.follow();
  };
  await lookAround();

  const troubles = new TroubleLog(log);
  const watchdog = watchdogJob();
  const jobs: Job[] = [
    periodicJob("flush", FLUSH, () => store.flush()),
    periodicJob("expire", EXPIRE, () => {
      enforcer.expire();
      packets.expire(now());
      for (const sighting of named.nameless(now())) store.see(sighting);
    }),
    periodicJob("look around", LOOK_AROUND, lookAround),
    periodicJob("ask", ASK, () => {
      packets.ask();
      troubles.note(status());
    }),
    periodicJob("figures", FIGURES, () => store.saveFigures()),
    periodicJob("retire", RETIRE, () => store.retire(now())),
    ...(watchdog ? [watchdog] : []),
  ];
  const scheduler = new Scheduler({
    clock,
    tick: settings.tick,
    jobs,
    onJobError: (job, error) => log.write("error", `Job ${job.name} failed: ${reasonOf(error)}`),
  });
  // Said when it is true, and at once if it is not.
  void packets.begun.then(() => {
    if (signal.aborted) return;
    log.write(
      "info",
      `Sluice ${VERSION} captures ${hosts.direction === "both" ? "" : `${hosts.direction} `}hosts on ${hosts.interfaces.join(", ")}; ${store.list.register.size} known`,
    );
    troubles.note(status());
  });
  signal.addEventListener("abort", tellStopping, { once: true });
  tellReady(`Captures; ${store.list.register.size} hosts known`);
  await scheduler.run(signal);
}

/** @throws {Error} when a capture runs already. */
async function refuseAnother(path: string): Promise<void> {
  const pid = await new CaptureClient(path).status().then(
    (status) => status.pid,
    () => undefined, // nobody answers
  );
  if (pid !== undefined) throw new Error(`Cannot capture: another capture does, process ${pid}`);
}

/**
 * Reads the ends of the logs once, without packets, while no capture runs.
 *
 * @returns what is new.
 * @throws the system's error.
 */
export async function scanOnce(options: CaptureOptions): Promise<HostLine[]> {
  const { settings, hosts } = options;
  const found: HostLine[] = [];
  using store = await openStore(options, new OwnPlaces(hosts.ownDomains), (line) => found.push(line));
  const onSight = (sighting: Sighting) => store.see(sighting);
  const engines = new CaptureEngines(settings);
  const named = new NamedAddresses();
  using logs = new LogTaps({
    ...{ settings: hosts, whereabouts: new Whereabouts(), named, engines, onSight, now },
    enforcer: { follow: () => undefined },
  });
  await engines.refresh();
  logs.followAccess(engines.accessLogs);
  await scanLogs(logs, named, onSight);
  store.flush();
  if (store.list.trouble !== undefined) throw new Error(`Cannot save what was found: ${store.list.trouble}`);
  await store.saveFigures();
  return found;
}

/** Addresses do not wait for a name there: what the logs hold is past. */
async function scanLogs(
  logs: LogTaps,
  named: NamedAddresses,
  onSight: (sighting: Sighting) => void,
): Promise<void> {
  await logs.scan();
  named.nameless(FAR_FUTURE).forEach(onSight);
}

function openStore(
  { settings, hosts }: CaptureOptions,
  own: OwnPlaces,
  onNew: (line: HostLine) => void,
): Promise<HostsStore> {
  return HostsStore.open({
    ...{ settings: hosts, own, onNew, timeZone: settings.timeZone },
    directory: hostsFolder(settings.dataDirectory),
  });
}

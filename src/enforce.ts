/**
 * The enforcer, put together: books from the disk, one meter per engine, the
 * gatekeeper, the desk, and the scheduler that drives them. Taken down in
 * reverse.
 */
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { captureUser } from "./capture-user.ts";
import { systemClock } from "./clock.ts";
import type { Settings } from "./config.ts";
import type { Desk } from "./control/rows.ts";
import { serveControl } from "./control/service.ts";
import { Books, type Entry } from "./daemon/books.ts";
import { Clerk } from "./daemon/clerk.ts";
import { portClaims } from "./daemon/connection-ports.ts";
import { reportRaisedTracking } from "./daemon/conntrack-room.ts";
import { Deletions } from "./daemon/deletions.ts";
import { DaemonDesk } from "./daemon/desk.ts";
import { FlowDesk } from "./daemon/flow-desk.ts";
import { FlowOwners } from "./daemon/flow-owners.ts";
import { Gatekeeper } from "./daemon/gatekeeper.ts";
import { HistoryPart } from "./daemon/history-part.ts";
import { Importer } from "./daemon/importer.ts";
import { removeFromKernel } from "./daemon/kernel-removal.ts";
import { LastLook } from "./daemon/last-look.ts";
import { lineRateOf } from "./daemon/line-rate.ts";
import { LoginGuards } from "./daemon/login-guards.ts";
import { Meter } from "./daemon/meter.ts";
import { OpenvpnServers } from "./daemon/openvpn-servers.ts";
import { OPENVPN } from "./daemon/openvpn-view.ts";
import { judgeWithBuffer } from "./daemon/quota-buffer.ts";
import { Saver } from "./daemon/saver.ts";
import { SSH } from "./daemon/ssh-backend.ts";
import { SshPart } from "./daemon/ssh-part.ts";
import { lastKnownMoment, reportDamage } from "./daemon/start-report.ts";
import { stateOwner, takeLock, usageOf } from "./daemon/state-lock.ts";
import { Today } from "./daemon/today.ts";
import { Views } from "./daemon/views.ts";
import { tellReady, watchdogJob } from "./daemon/watchdog.ts";
import { XrayGates } from "./daemon/xray-gates.ts";
import { XrayPart } from "./daemon/xray-part.ts";
import { RefusedRequestError, reasonOf, UnreachableError } from "./errors.ts";
import { hostsLink, keepLink } from "./hosts/hosts-link.ts";
import { LocalTimes } from "./hosts/local-times.ts";
import { clockSynchronised } from "./kernel/clock-sync.ts";
import { removeHolds } from "./kernel/hold-table.ts";
import { TableWatch } from "./kernel/nft-events.ts";
import { openSockets } from "./kernel/open-sockets.ts";
import type { Log } from "./log.ts";
import type { KeeperName, UserName } from "./names.ts";
import { UNLIMITED } from "./policy/verdict.ts";
import { periodicJob } from "./scheduler/periodic.ts";
import { type Job, Scheduler } from "./scheduler/scheduler.ts";
import { EventFile } from "./storage/events.ts";
import { StateFolder } from "./storage/state-folder.ts";
import { milliseconds, type UnixTime } from "./units.ts";
import { VERSION } from "./version.ts";

/** The state folder, locked and loaded: all a command needs to do the daemon's work while none runs. */
export interface Office extends AsyncDisposable {
  readonly desk: Desk;
  readonly events: EventFile;
  /** Puts the gates of all accounts into the kernel and leaves them there; answers what stands in the way, if anything does. */
  loadGates(): Promise<string | undefined>;
  /** Takes everything of ours out of the kernel; answers what could not be looked at. */
  removeGates(): Promise<readonly string[]>;
  /** Accounts from which something was taken and not yet given back. */
  cutAccounts(): readonly UserName[];
  /** Meters and enforces until `signal` aborts, then saves everything. */
  run(signal: AbortSignal): Promise<void>;
}

export interface OfficeOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly mode: "enforce" | "observe";
  /** Waits for the lock instead of failing, as the daemon does. */
  readonly wait: AbortSignal | undefined;
  /** Judges nobody, so that running it lets everybody in; and deletes nobody. */
  readonly lenient?: boolean;
}

const DIRECTORY_MODE = 0o750;
/** How long a shut gate and the report of a cut wait for an engine that does not answer. */
const FRESH_LOOK_MS = milliseconds(2_000);
/** A panel may have put a cut user back: looked for this often at least. */
const RECONCILE_MS = 30_000;
const LOOK_AT_LINK = milliseconds(5_000);
const LOOK_AT_PORTS = milliseconds(10_000);

/** @throws {StateInUseError} when another Sluice holds the state and `wait` is not given. */
export async function openOffice(options: OfficeOptions): Promise<Office> {
  const { settings, log, mode, wait, lenient = false } = options;
  const clock = systemClock;
  const owner = stateOwner();
  mkdirSync(settings.stateDirectory, { recursive: true });
  for (const directory of [usageOf(settings), settings.logDirectory]) {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    if (owner) chownSync(directory, owner.uid, owner.gid);
  }
  await using parts = new AsyncDisposableStack();
  parts.use(await takeLock(settings, clock, wait));
  const events = new EventFile(
    join(settings.logDirectory, "events.jsonl"),
    log,
    () => clock.unix(),
    settings.maxLogSize,
  );
  parts.defer(() => events.flush());
  const folder = parts.use(
    new StateFolder({ directory: usageOf(settings), fileMode: settings.usageFileMode, owner }),
  );
  const loaded = await folder.load(clock.unix());
  reportDamage(loaded, events);

  /** Nothing is deleted for a while after a start, which new settings are as well, an import, or a clock jump. */
  let quietSince = clock.unix();
  const today = new Today({
    clock,
    zone: settings.timeZone,
    lastKnown: lastKnownMoment(loaded),
    synchronised: clockSynchronised,
    onJump: (from, to) => {
      quietSince = to;
      events.record(
        "clock-jumped",
        `The clock jumped from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}: days and periods do not turn for 10 minutes, or until it is synchronised`,
        {},
        "warning",
      );
    },
  });
  const books = new Books(loaded, today.day(), {
    count: settings.count,
    period: settings.period,
    aliases: settings.aliases,
    zone: settings.timeZone,
    judge: lenient ? () => UNLIMITED : judgeWithBuffer(settings.openvpn),
    now: () => clock.unix(),
    onRefused: (user, why) =>
      events.record("account-refused", `Cannot keep the account of ${user}: ${why}`, { user }, "error"),
  });
  const saver = new Saver({
    folder,
    books,
    events,
    clock,
    flush: settings.flush,
    usageFiles: settings.usageFiles,
  });
  const gatekeeper = new Gatekeeper({
    books,
    saver,
    events,
    clock,
    mode,
    reconcile: milliseconds(
      Math.min(RECONCILE_MS, ...settings.openvpn.map(({ reconcileInterval }) => reconcileInterval)),
    ),
    freshLook: async (keeper, signal) => {
      const look = meters.find(({ name }) => name === keeper)?.nextLook();
      scheduler.wake();
      await Promise.race([look, clock.sleep(FRESH_LOOK_MS, signal)]);
    },
  });
  const sockets = parts.use(openSockets());
  const tables = new TableWatch();
  const stopping = new AbortController();
  const meters: Meter[] = [];
  const views = new Views(() => hurry());
  /** Engines are connected and verdicts carried out; a command that only edits the books leaves that to the daemon. */
  let live = false;

  const onDepleted = (entry: Entry, at: UnixTime) => {
    books.deplete(entry, at);
    if (books.judge(entry)) gatekeeper.carryOut(entry, at, stopping.signal);
    openvpn.follow(entry);
    deletions?.consider(entry);
    scheduler.wake();
  };
  const gated = settings.xray.filter((xray) => xray.gates === "auto");
  const gates =
    mode === "observe" || gated.length === 0
      ? undefined
      : new XrayGates({
          ...{ books, saver, clock, sockets, tables, onDepleted },
          count: settings.count,
          keepers: gated.map(({ name }) => name),
          look: async (entry) => {
            const gating = engines.filter(({ settings: { gates } }) => gates === "auto");
            const his = gating.filter((engine) => engine.has(entry));
            const asked = his.length > 0 ? his : gating; // he was taken out, and his connections live
            const looks = meters.filter(({ name }) => asked.some(({ settings }) => settings.name === name));
            const looked = Promise.all(looks.map((meter) => meter.nextLook()));
            scheduler.wake();
            return Promise.race([
              looked.then(() => true),
              clock.sleep(FRESH_LOOK_MS, stopping.signal).then(() => false),
            ]);
          },
          maySplice: (entry) => engines.some((engine) => engine.maySplice(entry)),
          undelivered: (entry) => engines.reduce((sum, engine) => sum + engine.undelivered(entry), 0),
          onGone: (entry) => {
            for (const engine of engines) void engine.forget(entry).catch(() => undefined); // an engine that is gone has nothing to forget
          },
          onRestored: () =>
            events.record(
              "rules-restored",
              "Another program flushed Sluice's gates of Xray users in the kernel: they stand again; what passed in between met no gate",
              {},
              "warning",
            ),
          onConntrackRaised: (from, to, dropIn) => reportRaisedTracking(events, from, to, dropIn),
        });

  const engines = settings.xray.map((xray) => {
    const engine: XrayPart = new XrayPart({
      settings: xray,
      books,
      sockets,
      clock,
      mode,
      gates: xray.gates === "auto" ? gates : undefined,
      reapply: (gate, signal) => gatekeeper.reapply(gate, signal),
      lastLook: async () => lastLooks.get(xray.name)?.take(),
      save: async (user, held) => {
        const entry = books.entry(books.accountNameOf(user));
        const others = entry.standing.held.filter(
          (each) => each.keeper !== xray.name || each.user !== user || each.kind !== "neutralised",
        );
        books.change(entry, { held: [...others, ...held] });
        await saver.saveNow(books.accountOf(entry));
      },
      onReady: () => {
        meters.find(({ name }) => name === xray.name)?.hurry();
        scheduler.wake();
      },
      onLife: (user) => {
        meters.find(({ name }) => name === xray.name)?.sawLife(user);
        scheduler.wake();
      },
      onAccessLine: (line) => flowDesk?.push(line),
    });
    return engine;
  });
  const lastLooks = new Map(
    engines.map((engine) => {
      const { name } = engine.settings;
      const lastLook = new LastLook({
        ...{ keeper: name, clock, events, apiPort: engine.apiPort, holds: mode === "enforce" },
        process: () => engine.process(),
        epoch: () => books.keepers.get(name)?.epoch,
        exception: () => engine.unseenAtLast(),
        meter: () => meters.find((meter) => meter.name === name),
        wake: () => scheduler.wake(),
        save: async () => {
          await saver.tryFlush();
          return saver.trouble;
        },
      });
      return [name, lastLook] as const;
    }),
  );
  const owners = parts.use(new FlowOwners(books, log));
  const flowDesk =
    settings.hosts === null
      ? undefined
      : new FlowDesk({
          path: join(settings.runtimeDirectory, "flows.sock"),
          ownerOf: (transport, source, target) => owners.ownerOf(transport, source, target),
        });
  const ofEveryMeter = {
    ...{ books, gatekeeper, saver, events, today, clock },
    warnPercent: settings.warnPercent,
    views,
    onBooked: (entry: Entry) => {
      ssh?.arm(entry);
      gates?.arm(entry);
      openvpn.follow(entry);
      deletions?.consider(entry);
    },
  };
  const rules = {
    pace: settings.pace,
    tick: settings.tick,
    maxPeriod: settings.maxPeriod,
    lineRate: lineRateOf(settings.lineRateMbps),
  };
  for (const engine of engines) {
    gatekeeper.add(engine.gate);
    const { source } = engine;
    meters.push(
      new Meter({
        ...ofEveryMeter,
        ...{ source, service: "xray", rules },
        ...{ gated: () => false, shortestPeriod: () => 0, standby: () => undefined },
        lostAtMost: ({ from, to }) =>
          lastLooks.get(source.name)?.lostNothing(from) ? 0 : engine.lostAtMost(to),
      }),
    );
  }
  const { ssh: sshSettings } = settings;
  let ssh: SshPart | undefined;
  let deletions: Deletions | undefined;
  if (sshSettings) {
    const guards = new LoginGuards(sshSettings);
    const deleting = new Deletions({
      ...{ settings: sshSettings, mode, books, saver, events, clock, guards },
      stateDirectory: settings.stateDirectory,
      ssh: () => ssh,
      forget: (entry) => clerk.forget(entry),
      quietSince: () => quietSince,
    });
    const part = new SshPart({
      ...{ settings: sshSettings, mode, books, saver, events, clock, sockets, tables, guards },
      count: settings.count,
      locks: (entry) => !lenient && deleting.locks(entry),
      look: () => sshMeter.look(stopping.signal),
      onDepleted,
    });
    const sshMeter = new Meter({
      ...ofEveryMeter,
      source: part.source,
      service: SSH,
      rules,
      // What he moves elsewhere must move this gate: close to the limit, looks decide as well.
      gated: ({ standing }) => (part.backend?.gated ?? false) && standing.services.length === 1,
      shortestPeriod: () => part.shortestPeriod,
      standby: () => part.standby,
      lostAtMost: () => undefined,
    });
    if (!lenient) deletions = deleting;
    ssh = part;
    gatekeeper.add(part.gate);
    meters.push(sshMeter);
  }
  const history = settings.history
    ? new HistoryPart({
        ...{ books, events, views, clock, settings: settings.history, connections: settings.connections },
        path: join(settings.dataDirectory, "history.db"),
      })
    : undefined;
  const meterOf = (keeper: KeeperName) => meters.find(({ name }) => name === keeper);
  const openvpn = new OpenvpnServers({
    ...{ settings, mode, books, saver, events, clock, tables, onDepleted, lineRate: rules.lineRate },
    group: owner?.gid,
    look: async (keeper) => meterOf(keeper)?.look(stopping.signal),
    onNews: (keeper) => {
      meterOf(keeper)?.hurry();
      scheduler.wake();
    },
    onLogin: (record) => history?.login(record),
    onLook: (keeper) => history?.lookedAt(keeper),
    health: (keeper) => meterOf(keeper)?.health(),
  });
  for (const part of openvpn.parts) {
    if (part.gate) gatekeeper.add(part.gate);
    meters.push(
      new Meter({
        ...ofEveryMeter,
        source: part.source,
        service: OPENVPN,
        rules: { ...rules, maxPeriod: part.settings.bytecountInterval ?? rules.maxPeriod },
        // What he moves elsewhere must move this gate: close to the limit, looks decide as well.
        gated: (entry) => part.gated(entry) && entry.standing.services.length === 1,
        shortestPeriod: () => part.shortestPeriod,
        standby: () => part.standby,
        lostAtMost: () => undefined,
      }),
    );
  }
  let claimed = "";
  /** Config files change and servers are met later on: what has changed is said again. */
  const portsJob = periodicJob("client ports", LOOK_AT_PORTS, async () => {
    const claims = portClaims({
      engines: engines.map(({ files, apiPort }) => ({ config: files.config, apiPort })),
      openvpn: openvpn.parts.map(({ config }) => config),
      ssh: settings.ssh !== null,
    });
    const text = JSON.stringify(claims);
    if (text !== claimed) history?.claim(claims);
    claimed = text;
  });
  const watchdog = watchdogJob();
  const times = new LocalTimes(settings.timeZone);
  /** The capture's own user may not: what an editor left of its link is put right here. */
  const linkJob = periodicJob("hosts link", LOOK_AT_LINK, async () => {
    const owner = captureUser();
    if (owner && process.getuid?.() === 0) await keepLink(hostsLink(settings), times, owner);
  });
  const jobs: Job[] = [
    ...meters,
    gatekeeper.job,
    ...saver.jobs,
    ...engines.map(({ job }) => job),
    ...(ssh ? [ssh.job] : []),
    ...(openvpn.parts.length > 0 ? [openvpn.job] : []),
    ...(history ? [history.job] : []),
    ...(gates ? [gates.job] : []),
    ...(deletions ? [deletions] : []),
    ...(watchdog ? [watchdog] : []),
    ...(settings.hosts ? [linkJob] : []),
    ...(history && settings.connections ? [portsJob] : []),
  ];
  const scheduler = new Scheduler({
    clock,
    tick: settings.tick,
    jobs,
    onJobError: (job, error) => log.write("error", `Job ${job.name} failed: ${reasonOf(error)}`),
  });
  const hurry = () => {
    for (const meter of meters) meter.hurry();
    scheduler.wake();
  };
  const decide = (entry: Entry) => {
    if (books.judge(entry) && live) gatekeeper.carryOut(entry, clock.unix(), stopping.signal);
    ssh?.arm(entry);
    gates?.arm(entry);
    openvpn.follow(entry);
    deletions?.consider(entry);
    hurry();
  };
  const clerk = new Clerk({
    ...{ books, saver, folder, events, decide },
    now: () => clock.unix(),
    deleteLogin: async (entry, by) => {
      const action = `Cannot delete the login of "${entry.standing.name}"`;
      if (!live) throw new UnreachableError(`${action}: the daemon does it, and it is not running`);
      if (!deletions) {
        throw new RefusedRequestError(
          `${action}: SSH is switched off in the settings; --keep-login forgets his usage and limits alone`,
        );
      }
      await deletions.order(entry, by);
    },
  });
  const importer = new Importer({
    ...{ books, saver, events, decide },
    count: settings.count,
    onImport: () => {
      quietSince = clock.unix();
    },
  });
  const desk = new DaemonDesk({
    settings,
    mode,
    books,
    clerk,
    importer,
    gatekeeper,
    saver,
    clock,
    meters,
    engines,
    lastLooks: () => (live ? lastLooks : new Map()),
    ssh,
    openvpn: openvpn.parts,
    events,
    jobs: () => scheduler.health(),
    views,
    startedAt: clock.monotonic(),
  });

  const owned = parts.move();
  return {
    desk,
    events,
    loadGates: async () => {
      if (settings.openvpn.length > 0) openvpn.listDenied();
      await gates?.start();
      const lacks = gates?.standby;
      await gates?.[Symbol.asyncDispose]();
      if (!ssh) return gates ? lacks : "ssh and xray.gates are switched off in the settings";
      await ssh.loadGates();
      const { standby } = ssh;
      await ssh[Symbol.asyncDispose]();
      return standby ?? lacks;
    },
    removeGates: removeFromKernel,
    cutAccounts: () =>
      [...books.accounts.values()]
        .filter(({ standing }) => standing.held.length > 0)
        .map(({ standing }) => standing.name),
    run: async (signal) => {
      await using running = new AsyncDisposableStack();
      running.defer(() => saver.saveAll());
      running.defer(() => {
        for (const meter of meters) meter.settle(stopping.signal);
      });
      running.defer(() => gatekeeper.idle());
      running.defer(() => deletions?.idle());
      const stop = () => stopping.abort(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      running.use(await serveControl(desk, join(settings.runtimeDirectory, "control.sock"), log));
      live = true;
      if (flowDesk) {
        running.use(flowDesk);
        await flowDesk.start().catch((error: unknown) => {
          log.write("warning", `The host capture cannot ask whose a flow is: ${reasonOf(error)}`);
        });
      }
      if (history) {
        running.use(history);
        history.start();
      }
      if (gates) {
        running.use(gates);
        await gates.start();
      }
      if (mode === "enforce") await removeHolds().catch(() => undefined); // without nft there were none
      for (const lastLook of lastLooks.values()) running.use(lastLook);
      for (const engine of engines) {
        running.use(engine);
        await engine.start();
      }
      if (ssh) {
        running.use(ssh);
        await ssh.start();
      }
      running.use(openvpn);
      await openvpn.start();
      events.record("started", `Sluice ${VERSION} ${mode === "observe" ? "observes" : "enforces"}`, {
        mode,
        engines: engines.length,
      });
      tellReady(`${mode === "observe" ? "Observes" : "Enforces"}; ${books.accounts.size} accounts`);
      await scheduler.run(signal);
      events.record("stopped", "Sluice stops: gates and cuts stay as they are");
    },
    [Symbol.asyncDispose]: async () => {
      await saver.saveAll();
      await owned.disposeAsync();
    },
  };
}

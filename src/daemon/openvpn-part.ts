/**
 * One OpenVPN server, assembled: the line to its management interface or its
 * status file, its logins, their last figures from the hooks, the gates and the
 * cuts, and the socket that shares the line.
 *
 * Each look first takes in what the hooks left and what the kernel's gates let
 * pass, and asks the server then: so no figure is ever ahead of what it is held
 * against.
 */
import { existsSync } from "node:fs";
import type { Clock } from "../clock.ts";
import type { OpenvpnSettings } from "../config.ts";
import type { KickReply, OpenvpnLoginRow, OpenvpnServerRow, StopStep } from "../control/rows.ts";
import { type DoorRule, keepDoor } from "../enforcement/openvpn/client-auth.ts";
import { RECONNECT } from "../enforcement/openvpn/client-texts.ts";
import type { DeniedFolder } from "../enforcement/openvpn/denied-folder.ts";
import { DoorEnforcer } from "../enforcement/openvpn/door-enforcer.ts";
import { LoginEnder, type LoginEnderOptions, PAUSE_IN_THE_OPEN } from "../enforcement/openvpn/login-ender.ts";
import { OpenvpnEnforcer, type TunnelShutters } from "../enforcement/openvpn/openvpn-enforcer.ts";
import { reasonOf, UnreachableError } from "../errors.ts";
import type { LoginRecord } from "../history/records.ts";
import { processOwner } from "../kernel/process.ts";
import type { UserName } from "../names.ts";
import { finalOfEvent } from "../sources/openvpn/final-event.ts";
import type { ServerLook } from "../sources/openvpn/login.ts";
import type { EndedLogin, LoginEvents, SeenLogin } from "../sources/openvpn/login-readings.ts";
import type { Management } from "../sources/openvpn/management.ts";
import { ManagementLink } from "../sources/openvpn/management-link.ts";
import { OpenvpnSource } from "../sources/openvpn/openvpn-source.ts";
import { type PassThrough, servePassThrough } from "../sources/openvpn/pass-through.ts";
import { runningConfig } from "../sources/openvpn/running-config.ts";
import type { ServerConfig } from "../sources/openvpn/server-config.ts";
import { StatusFileSource } from "../sources/openvpn/status-file-source.ts";
import type { CounterSource, SourceReport } from "../sources/source.ts";
import type { EventFile } from "../storage/events.ts";
import type { UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { MeterHealth } from "./meter.ts";
import { OpenvpnFinals } from "./openvpn-finals.ts";
import type { OpenvpnGates } from "./openvpn-gates.ts";
import { gateStep, notesOf, shortNameOf, whyDenied } from "./openvpn-notes.ts";
import { OpenvpnPresence } from "./openvpn-presence.ts";
import { OpenvpnSessions } from "./openvpn-sessions.ts";
import type { OpenvpnView } from "./openvpn-view.ts";
import type { Saver } from "./saver.ts";

export interface OpenvpnPartOptions {
  readonly settings: OpenvpnSettings;
  readonly mode: "enforce" | "observe";
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly clock: Clock;
  /** Bytes per millisecond that the host can move, both directions together. */
  readonly lineRate: number;
  /** Undefined in observe mode: nobody is kept out. */
  readonly denied: DeniedFolder | undefined;
  /** Undefined where nobody is gated: observe mode, or the server's `gates` are off. */
  readonly gates: OpenvpnGates | undefined;
  /** Where the disconnect hook leaves last figures. */
  readonly spool: string;
  /** Of the pass-through socket; its group's number. */
  readonly socket: { readonly path: string; readonly group: number | undefined };
  /** Reads and books everything now. @throws {SourceUnavailableError} */
  readonly look: () => Promise<void>;
  /** A look is overdue. */
  readonly onNews: () => void;
  /** The history's ear. */
  readonly onLogin: (record: LoginRecord) => void;
  /** It was told of all logins that there are now. */
  readonly onLook: () => void;
  readonly health: () => MeterHealth | undefined;
}

/** Where the settings have it unless they say otherwise; a host without such a socket has no OpenVPN of ours. */
const USUAL_SOCKET = "/run/openvpn/ovpn-mgmt.sock";
/** Between two looks at one server at least: each stops it for some 8 us a client. */
const SHORTEST_PERIOD_MS = 50;
/** Of the time that looks take, this many times as long passes between them. */
const LOOK_SHARE = 10;
/** How much of that is the last one's. */
const NEWEST_LOOK = 0.2;
const PRUNE_EVERY_MS = 600_000;
/** Told of in one event; of more there are "others". */
const MOST_NAMES = 5;

export class OpenvpnPart implements OpenvpnView, AsyncDisposable {
  readonly settings: OpenvpnSettings;
  readonly source: CounterSource;
  /** Undefined in observe mode. */
  readonly gate: OpenvpnEnforcer | DoorEnforcer | undefined;
  readonly #options: OpenvpnPartOptions;
  readonly #presence: OpenvpnPresence;
  readonly #sessions: OpenvpnSessions;
  readonly #finals: OpenvpnFinals;
  readonly #management: Management;
  readonly #inner: OpenvpnSource | StatusFileSource;
  readonly #ender: LoginEnder;
  readonly #stopping = new AbortController();
  #link: ManagementLink | undefined;
  #passThrough: PassThrough | undefined;
  #passThroughTrouble: string | undefined;
  #doorTrouble: string | undefined;
  #config: ServerConfig | undefined;
  #server: { readonly pid: number; readonly version: string } | undefined;
  #restart: { readonly at: UnixTime; readonly lastLook: UnixTime | undefined } | undefined;
  #look: ServerLook | undefined;
  #lookedAt: UnixTime | undefined;
  #lookTakes = 0;
  /** The gates of the last look's addresses are being laid. */
  #laying: Promise<void> | undefined;
  #pruneAt = 0;
  #idle = false;

  constructor(options: OpenvpnPartOptions) {
    const { settings, books, saver, events, clock, lineRate } = options;
    const keeper = settings.name;
    this.#options = options;
    this.settings = settings;
    this.#presence = new OpenvpnPresence(keeper, books);
    this.#management = this.#managementNow();
    this.#sessions = new OpenvpnSessions({
      ...{ keeper, events, onLogin: options.onLogin },
      accountOf: (user) => books.accountNameOf(user),
      isDenied: (user) => this.#presence.entryOf(user)?.verdict.kind === "deny",
    });
    this.#finals = new OpenvpnFinals({ keeper, directory: options.spool, books, saver, events, clock });
    const ofEither = {
      ...{ keeper, clock, lineRate, usersBy: settings.usersBy },
      knownCounters: (user: UserName) => this.#presence.countersOf(user),
      events: this.#hearing(),
    };
    this.#inner =
      settings.management === null
        ? new StatusFileSource({ ...ofEither, path: settings.statusFile ?? "" })
        : new OpenvpnSource({ ...ofEither, management: this.#management });
    this.source = {
      name: keeper,
      read: (which, signal) => this.#read(which, signal),
      pending: () => this.#inner.pending(),
      forget: () => this.#inner.forget(),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const clients = {
      ...{ management: this.#management, clock },
      loginsOf: (user: UserName) => this.#presence.loginsOf(user),
      users: () => this.#presence.users(),
      look: options.look,
    };
    this.#ender = new LoginEnder(clients);
    this.gate = options.denied && this.#gateOf(options.denied, clients);
  }

  /** Nothing of the kind is on this host, and nobody asked for it. As of the last upkeep. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Why there is nothing to look at; undefined while there may be. */
  get standby(): string | undefined {
    return this.#idle ? `there is no management interface at ${USUAL_SOCKET}` : undefined;
  }

  /** The least time between two looks, in milliseconds: each holds up the server. */
  get shortestPeriod(): number {
    const { management, monitorInterval } = this.settings;
    const shared = management !== null && !management.startsWith("/") ? (monitorInterval ?? 0) : 0;
    return Math.max(SHORTEST_PERIOD_MS, LOOK_SHARE * this.#lookTakes, shared);
  }

  /** Connects to the server, and goes on trying. */
  start(): void {
    const { settings } = this;
    const { clock } = this.#options;
    this.#idle = this.#isAbsent();
    if (settings.management === null) return;
    const keepsDoor = settings.clientAuth ? keepDoor(this.#management, this.#doorRule()) : undefined;
    this.#link = new ManagementLink({
      address: settings.management,
      passwordFile: settings.passwordFile,
      releaseHold: settings.releaseHold,
      clock,
      listener: {
        onConnected: (server) => this.#connected(server),
        onLost: () => this.#markWaiting(false),
        onState: () => this.#options.onNews(),
        onClient: (event) => {
          keepsDoor?.(event);
          if (event.event === "ESTABLISHED") this.#options.onNews();
          // A server that asks at the door says a login's last figures itself, hook or not.
          const final = finalOfEvent(event, clock.unix());
          if (final) this.#inner.takeFinals([final]);
        },
        onLine: (line) => this.#passThrough?.hear(line),
      },
    });
  }

  /** Lets other programs share the line. */
  async share(): Promise<void> {
    const { management, passThrough, clientAuth } = this.settings;
    const { socket } = this.#options;
    if (management === null || passThrough === "off" || this.#passThrough) return;
    try {
      this.#passThrough = await servePassThrough({
        ...{ path: socket.path, group: socket.group, link: this.#management },
        ...{ mode: passThrough, answersLogins: clientAuth },
      });
      this.#passThroughTrouble = undefined;
    } catch (error) {
      this.#passThroughTrouble = `other programs cannot share the management interface: ${reasonOf(error)}`;
    }
  }

  /** Removes files whose figures are booked, and counters whose logins are long over. */
  async upkeep(tick: number): Promise<void> {
    if (this.#idle && !this.#isAbsent()) {
      this.#idle = false;
      this.#options.onNews();
    }
    await this.#finals.settle();
    if (tick < this.#pruneAt) return;
    this.#pruneAt = tick + PRUNE_EVERY_MS;
    this.#presence.prune(this.#options.clock.unix());
  }

  /** As its running server's config has it, once that was read. */
  get config(): ServerConfig | undefined {
    return this.#config;
  }

  row(): OpenvpnServerRow {
    const { settings } = this;
    const { gates, health } = this.#options;
    const { answering = false, trouble, period = 0 } = health() ?? {};
    return {
      name: shortNameOf(settings),
      from: settings.management === null ? "status-file" : "management",
      answering,
      trouble: (settings.management === null ? trouble : (this.#management.trouble ?? trouble)) ?? "",
      pid: this.#server?.pid ?? 0,
      version: this.#server?.version ?? "",
      dco: this.#look?.dco ?? false,
      logins: this.#presence.size,
      pending: this.#look?.pending ?? 0,
      lastLookMs: this.#lookedAt ?? 0,
      periodMs: period,
      gated: this.#isGated() && gates?.standby === undefined,
      hooked: this.#finals.any,
      notes: this.notes(),
    };
  }

  logins(): readonly OpenvpnLoginRow[] {
    return this.#presence.rows();
  }

  async kick(user: UserName): Promise<KickReply> {
    const server = shortNameOf(this.settings);
    if (this.settings.management === null) {
      throw new UnreachableError(
        `Cannot end the logins of "${user}": of ${server} only the status file is read`,
      );
    }
    const { signal } = this.#stopping;
    this.#ender.forget(user);
    const ended = await this.#ender.tell(user, RECONNECT, signal);
    const shortfalls = ended === 0 ? [] : await this.#ender.end(user, RECONNECT, PAUSE_IN_THE_OPEN, signal);
    const text = [`${ended} logins of ${user} at ${server} ended`, ...shortfalls].join("; ");
    return { ended, text };
  }

  /** Whether he has a login here. */
  has(entry: Entry): boolean {
    return this.#presence.has(entry);
  }

  notes(): readonly string[] {
    const { settings } = this;
    const { gates, mode } = this.#options;
    const { trouble, any: hooked } = this.#finals;
    return notesOf({
      ...{ settings, hooked, config: this.#config, enforces: mode === "enforce" },
      dco: this.#look?.dco ?? false,
      gateless: this.#gateless(),
      troubles: [...(gates?.notes() ?? []), trouble, this.#passThroughTrouble, this.#doorTrouble],
    });
  }

  /** By what the account is stopped here; undefined where he never was. */
  stopStepOf(entry: Entry): StopStep | undefined {
    const { settings } = this;
    const keeper = settings.name;
    if (!this.#presence.knows(entry)) return undefined;
    const { gates, mode } = this.#options;
    if (mode === "observe") return { keeper, step: "report", text: "Sluice observes" };
    if (settings.management === null) {
      return {
        keeper,
        step: "report",
        text: "only its status file is read: he is refused at his next login",
      };
    }
    const gateless = this.#gateless() ?? gates?.ungated(entry);
    if (gateless !== undefined || !gates) return { keeper, step: "cut", text: `not gated: ${gateless}` };
    return { keeper, ...gateStep(gates.standing(entry)) };
  }

  /** The kernel stops him by itself, and he does not move just now. */
  gated(entry: Entry): boolean {
    const { gates } = this.#options;
    return this.#isGated() && (gates?.holds(entry) ?? false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#markWaiting(false);
    this.#stopping.abort();
    await this.gate?.[Symbol.asyncDispose]();
    await this.#passThrough?.[Symbol.asyncDispose]();
    await this.#link?.[Symbol.asyncDispose]();
    await this.#laying;
    await this.#finals.settle().catch(() => undefined); // they are read again at the next start
  }

  async #read(which: ReadonlySet<UserName> | "all", signal: AbortSignal): Promise<SourceReport> {
    const { clock, gates } = this.#options;
    this.#inner.takeFinals(await this.#finals.collect());
    if (this.#isGated()) await gates?.note();
    const began = clock.monotonic();
    const report = await this.#inner.read(which, signal);
    // One slow look shall not slow the next ones down.
    this.#lookTakes += (clock.monotonic() - began - this.#lookTakes) * NEWEST_LOOK;
    await this.#laying;
    return report;
  }

  #hearing(): LoginEvents {
    return {
      onLook: (look, seen, askedAt) => this.#looked(look, seen, askedAt),
      onEnded: (ended) => this.#ended(ended),
      onFinal: (final, outcome) => this.#finals.heard(final, outcome),
    };
  }

  #looked(look: ServerLook, seen: readonly SeenLogin[], askedAt: UnixTime): void {
    const { clock, gates } = this.#options;
    for (const each of this.#presence.look(seen)) this.#sessions.goesOn(each);
    this.#options.onLook();
    this.#look = look;
    this.#lookedAt = askedAt;
    this.#passThrough?.looked(look.logins, clock.monotonic());
    this.#laying = this.#lay(gates);
  }

  /** Gates where the logins are now; who is denied and here meets his gate, and then the word to go. */
  async #lay(gates: OpenvpnGates | undefined): Promise<void> {
    if (this.#isGated()) await gates?.follow(this.settings.name, this.#presence.places);
    if (!(this.gate instanceof OpenvpnEnforcer)) return;
    for (const login of this.#presence.denied()) {
      void this.gate.onLogin(login).catch(() => undefined); // the next look meets him again
    }
  }

  #ended(ended: readonly EndedLogin[]): void {
    const { clock } = this.#options;
    for (const each of ended) this.#sessions.ended(each);
    const restart = this.#restart;
    if (!restart) return;
    const cut = ended.filter(({ login, exact }) => !exact && login.since * 1000 < restart.at);
    if (cut.length > 0) this.#tellLost(cut, restart.lastLook ?? clock.unix());
  }

  #tellLost(cut: readonly EndedLogin[], lastLook: UnixTime): void {
    const keeper = this.settings.name;
    const names = [...new Set(cut.map(({ login }) => login.user))];
    const who =
      names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(", ")} and others` : names.join(", ");
    const since = new Date(lastLook).toISOString();
    this.#options.events.record(
      "bytes-possibly-lost",
      `${keeper} ended ${cut.length} logins without saying their last figures, as when it is killed: what ${who} moved after the last look at ${since} is lost`,
      { keeper, logins: cut.length, last_look: since },
      "warning",
    );
  }

  #isAbsent(): boolean {
    return (
      this.settings.management === USUAL_SOCKET &&
      this.#server === undefined &&
      !existsSync(USUAL_SOCKET) &&
      !existsSync(this.#options.spool)
    );
  }

  #connected(server: { readonly pid: number; readonly version: string }): void {
    const { clock, events, onNews } = this.#options;
    const before = this.#server;
    this.#server = server;
    this.#idle = false;
    if (before !== undefined && before.pid !== server.pid) {
      this.#restart = { at: clock.unix(), lastLook: this.#lookedAt };
      const text = `${this.settings.name} has restarted: its logins began anew`;
      events.record("engine-restarted", text, { keeper: this.settings.name, pid: server.pid });
    }
    const { config } = this.settings;
    this.#config = config === null ? undefined : runningConfig(server.pid, config);
    const owner = processOwner(server.pid);
    if (owner) this.#finals.make(owner);
    this.#markWaiting(true);
    onNews();
  }

  /** The hook lets denied users in while somebody stands behind it to shut them out. */
  #markWaiting(on: boolean): void {
    const { denied, gates } = this.#options;
    if (this.settings.return !== "wait" || !denied) return;
    try {
      denied.waiting(shortNameOf(this.settings), on && this.#isGated() && gates?.standby === undefined);
      this.#doorTrouble = undefined;
    } catch (error) {
      this.#doorTrouble = `the hook refuses who might wait: ${reasonOf(error)}`;
    }
  }

  #doorRule(): DoorRule {
    const { settings } = this;
    const { mode } = this.#options;
    return {
      usersBy: settings.usersBy,
      backoff: settings.backoff,
      reasonFor: (user) =>
        mode === "observe" ? undefined : whyDenied(this.#presence.entryOf(user)?.verdict),
    };
  }

  /** As commands go to it: before the start, and while there is only a file, there is no line. */
  #managementNow(): Management {
    const link = () => this.#link;
    return {
      get connected() {
        return link()?.connected ?? false;
      },
      get trouble() {
        const line = link();
        return line ? line.trouble : "Sluice has no line to the management interface";
      },
      command: async (text, signal) => {
        const line = link();
        if (!line) throw new UnreachableError("Sluice has no line to the management interface");
        return line.command(text, signal);
      },
    };
  }

  #shutters(): TunnelShutters | undefined {
    const { gates } = this.#options;
    if (!this.#isGated() || !gates || gates.standby !== undefined) return undefined;
    const of = (user: UserName) => this.#presence.entryOf(user);
    return {
      shut: async (user) => {
        const entry = of(user);
        if (entry) await gates.shut(entry);
      },
      open: async (user) => {
        const entry = of(user);
        if (entry) await gates.open(entry);
      },
      isShut: (user) => {
        const entry = of(user);
        return entry !== undefined && gates.isShut(entry) && gates.ungated(entry) === undefined;
      },
    };
  }

  #gateOf(denied: DeniedFolder, clients: LoginEnderOptions): OpenvpnEnforcer | DoorEnforcer {
    const { settings } = this;
    const shared = {
      ...{ keeper: settings.name, denied, users: clients.users },
      known: (user: UserName) => this.#presence.countersOf(user).length > 0,
      reasonFor: (user: UserName) =>
        whyDenied(this.#presence.entryOf(user)?.verdict) ?? "your account is closed",
    };
    if (settings.management === null) {
      return new DoorEnforcer({ ...shared, logins: (user) => clients.loginsOf(user).length });
    }
    const { return: back, backoff } = settings;
    return new OpenvpnEnforcer({ ...clients, ...shared, back, backoff, gates: () => this.#shutters() });
  }

  /** Why no gates stand here; undefined where they do. */
  #gateless(): string | undefined {
    if (this.settings.gates === "off") return "openvpn.gates is off";
    return this.#isGated() ? this.#options.gates?.standby : undefined;
  }

  #isGated(): boolean {
    return this.settings.gates === "auto" && this.settings.management !== null;
  }
}

/**
 * One Xray or V2Ray engine, assembled: link, counter source, config file,
 * access log, connections and gate, tied together in the order an engine needs.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import type { XraySettings } from "../config.ts";
import type { StopStep } from "../control/rows.ts";
import { ConfigCuts, type Neutralised } from "../enforcement/xray/config-cuts.ts";
import { Connections } from "../enforcement/xray/connections.ts";
import type { Proof } from "../enforcement/xray/gate-proof.ts";
import { MarkedOutbounds } from "../enforcement/xray/marked-outbounds.ts";
import { XrayEnforcer } from "../enforcement/xray/xray-enforcer.ts";
import { reasonOf } from "../errors.ts";
import {
  bootId,
  networkNamespaceOf,
  processArguments,
  processEnvironment,
  processStart,
} from "../kernel/process.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import { parseAccessLine, tiesUser } from "../logs/access-log.ts";
import { LogFollower } from "../logs/log-follower.ts";
import { counterName, type Epoch, type UserName } from "../names.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { CounterSource } from "../sources/source.ts";
import { protocolsByUser } from "../sources/xray/client-protocols.ts";
import type { EngineConfig } from "../sources/xray/engine-config.ts";
import { EngineFiles } from "../sources/xray/engine-files.ts";
import { EngineLink } from "../sources/xray/engine-link.ts";
import { routeOf } from "../sources/xray/user-route.ts";
import { XraySource } from "../sources/xray/xray-source.ts";
import { milliseconds, monotonicTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import { enginePid, loopbackOf, testForEngine } from "./engine-process.ts";
import type { Gate } from "./gatekeeper.ts";
import { stopStepOf } from "./stop-step.ts";
import type { XrayGates } from "./xray-gates.ts";

export interface XrayPartOptions {
  readonly settings: XraySettings;
  readonly books: Books;
  readonly sockets: SocketTable;
  readonly clock: Clock;
  readonly mode: "enforce" | "observe";
  /** Undefined where nobody is gated: observe mode, or `xray.gates` is off. */
  readonly gates: XrayGates | undefined;
  /** Applies every cut again; runs before a new connection is used for anything else. */
  readonly reapply: (gate: Gate, signal: AbortSignal) => Promise<unknown>;
  /** Reads the counters one last time, before the engine is restarted. */
  readonly lastLook: () => Promise<unknown>;
  readonly save: (user: UserName, held: readonly Neutralised[]) => Promise<void>;
  /** A connection is ready to be read: what it can tell is overdue. */
  readonly onReady: () => void;
  /** A user near his limit made a connection. */
  readonly onLife: (user: UserName) => void;
  /** Told of every line of the engine's access log. */
  readonly onAccessLine: (line: string) => void;
}

/** Two restarts of an engine for config cuts lie at least this far apart. */
const RESTART_SPACING = milliseconds(60_000);
/** systemd itself gives a unit 90 s to stop and 90 s to start. */
const RESTART_DEADLINE_MS = 200_000;
const UPKEEP_MS = 5_000;
const PRUNE_EVERY = 6;
/** Less is on its way rather than copied by the kernel. */
const LEAST_UNREPORTED = 1 << 20;

export class XrayPart implements AsyncDisposable {
  readonly settings: XraySettings;
  readonly source: CounterSource;
  readonly gate: Gate;
  readonly files: EngineFiles;
  readonly #options: XrayPartOptions;
  readonly #link: EngineLink;
  readonly #enforcer: XrayEnforcer;
  readonly #connections: Connections;
  readonly #outbounds: MarkedOutbounds;
  readonly #cuts: ConfigCuts | string;
  /** Users whose accounts are known to have, or not to get, an outbound of their own. */
  readonly #seen = new Set<UserName>();
  #gateTrouble: string | undefined;
  #protocols:
    | { readonly config: EngineConfig | undefined; readonly byUser: ReadonlyMap<UserName, readonly string[]> }
    | undefined;
  #splicers: ReadonlySet<UserName> = new Set();
  #follower: LogFollower | undefined;
  #upkeepAt = monotonicTime(0);
  #upkeeps = 0;

  constructor(options: XrayPartOptions) {
    const { settings, clock, books, sockets } = options;
    const boot = bootId();
    this.#options = options;
    this.settings = settings;
    this.#link = new EngineLink({
      keeper: settings.name,
      target: settings.api,
      clock,
      bootId: boot,
      process: () => this.process(),
      remembered: () => books.keepers.get(settings.name),
      onConnected: async (session, _epoch, signal) => {
        await this.#enforcer.attach(session);
        if (options.gates) await this.#outbounds.attach(session);
        this.#seen.clear();
        await this.#know();
        await options.reapply(this.gate, signal);
      },
      onReady: options.onReady,
    });
    this.files = new EngineFiles(settings.config, () => ({ argv: this.#arguments() }));
    this.#outbounds = new MarkedOutbounds(() => this.files.config);
    this.source = this.#sourceOf(new XraySource(settings.name, this.#link, clock));
    this.#connections = new Connections(
      sockets,
      (inbound) => this.#portsOf(inbound),
      (user) => this.#countedOf(user),
    );
    this.#cuts = this.#configCuts();
    this.#enforcer = new XrayEnforcer({
      keeper: settings.name,
      clock,
      session: () => this.#link.session(),
      connected: () => this.#link.connected,
      files: this.files,
      connections: this.#connections,
      catchUp: () => this.#follower?.catchUp(),
      gates: options.gates,
      configCuts: this.#cuts,
    });
    this.gate = this.#enforcer;
  }

  /** Begins to connect, reads the config and follows the log. */
  async start(): Promise<void> {
    await this.files.refresh();
    await this.#know();
    this.#followLog();
    this.#link.start();
  }

  /** Keeps the picture of the engine fresh: its config, its log, who is still connected. */
  get job(): Job {
    return {
      name: `${this.settings.name} upkeep`,
      dueAt: () => this.#upkeepAt,
      run: async (tick) => {
        this.#upkeepAt = monotonicTime(tick + UPKEEP_MS);
        if ((await this.files.refresh()) || this.#gateTrouble !== undefined) {
          this.#seen.clear(); // what kept somebody from an outbound may be gone
          await this.#know();
        }
        this.#followLog();
        this.#upkeeps += 1;
        if (this.#upkeeps % PRUNE_EVERY === 0) this.#connections.prune();
      },
    };
  }

  /** Whether this engine is known to have one of the account's users. */
  has(entry: Entry): boolean {
    return !entry.users.isDisjointFrom(this.#seen);
  }

  /** By what the account is stopped here; undefined where the engine does not have him. */
  stopStepOf(entry: Entry): StopStep | undefined {
    const users = [...entry.users].filter((user) => this.#seen.has(user));
    if (users.length === 0) return undefined;
    const { settings } = this;
    const { gates, mode } = this.#options;
    if (mode === "observe") return { keeper: settings.name, step: "report", text: "Sluice observes" };
    const number = entry.standing.kernelNumber;
    const config = this.files.config;
    const exceptions = users.flatMap((user) => (config ? routeOf(config, user).exceptions : []));
    const place = gates && this.#outbounds.placeOf(number);
    const why =
      settings.gates === "off"
        ? "xray.gates is off"
        : !gates
          ? undefined
          : (gates.standby ??
            (this.#isElsewhere() ? "the engine runs in another network namespace" : undefined) ??
            this.#gateTrouble ??
            this.#outbounds.obstacleOf(number));
    const handler = config === undefined || config.apiServices.includes("HandlerService");
    return stopStepOf({
      keeper: settings.name,
      proof: gates?.proofOf(entry),
      place,
      reasons: [
        ...(why === undefined || place ? [] : [why]),
        ...(isShort(gates?.proofOf(entry)) ? (gates?.reasons() ?? []) : []),
        ...new Set(
          exceptions.map(
            ({ index, outboundTag, balancerTag }) =>
              `rule ${index + 1} sends part of his traffic to "${outboundTag ?? balancerTag}"`,
          ),
        ),
      ],
      cut: handler ? "api" : typeof this.#cuts === "string" ? undefined : "restart",
      noCut: typeof this.#cuts === "string" ? this.#cuts : "",
    });
  }

  /** Whether a download of the account's may be counted only when it ends. */
  maySplice(entry: Entry): boolean {
    if (this.#splicers.size === 0) return false;
    for (const user of entry.users) if (this.#splicers.has(user)) return true;
    return false;
  }

  /**
   * Bytes that its users may have moved after the last look at the life before
   * `epoch`, by the kernel's figures, which outlive the engine. Undefined where
   * somebody's bytes pass no gate.
   */
  lostAtMost(epoch: Epoch): number | undefined {
    const { books, gates } = this.#options;
    for (const user of this.#seen) {
      const entry = books.accounts.get(books.accountNameOf(user));
      const proof = entry && gates?.proofOf(entry)?.kind;
      if (!entry || this.#outbounds.placeOf(entry.standing.kernelNumber) === undefined) return undefined;
      if (proof !== "proven" && proof !== "unproven") return undefined;
    }
    return gates?.lostBefore(epoch);
  }

  /**
   * About how much the account fetched that the engine counts only when it ends,
   * by its clients' sockets; 0 where a gate's own figure is booked meanwhile.
   */
  unreported(entry: Entry): number {
    let sum = 0;
    for (const user of entry.users) {
      if (!this.#splicers.has(user) || this.#isCarried(user)) continue;
      const unreported = this.#connections.unreportedOf(user);
      if (unreported >= LEAST_UNREPORTED) sum += unreported;
    }
    return sum;
  }

  #countedOf(user: UserName): number {
    const { books } = this.#options;
    const counter = counterName(this.settings.name, user);
    return books.accounts.get(books.accountNameOf(user))?.counters.get(counter)?.baseline.downlink ?? 0;
  }

  /** Bytes queued towards the account's clients, as far as their sockets are known. */
  undelivered(entry: Entry): number {
    let unsent = 0;
    for (const user of entry.users) unsent += this.#connections.unsentOf(user);
    return unsent;
  }

  /** The account is gone: so is his outbound, and his user is met anew when he comes up again. */
  async forget(entry: Entry): Promise<void> {
    for (const user of entry.users) this.#seen.delete(user);
    await this.#outbounds.remove(entry.standing.kernelNumber);
  }

  /** What an operator should know of how well this engine can be metered and cut; one sentence each. */
  notes(): readonly string[] {
    const notes: string[] = [];
    const { config, trouble } = this.files;
    if (trouble !== undefined) notes.push(`config: ${trouble}`);
    if (config) {
      if (!config.hasStats)
        notes.push('config has no "stats": the engine counts nobody; sluice xray setup switches it on');
      if (!config.apiServices.includes("HandlerService"))
        notes.push("no HandlerService: cuts take a restart of the engine; sluice xray setup switches it on");
      const untagged = config.inbounds.filter(
        ({ tag, clients }) => tag === undefined && clients.length > 0,
      ).length;
      if (untagged > 0)
        notes.push(
          `${untagged} inbounds without a tag: cuts there take a restart of the engine; sluice xray setup tags them`,
        );
      if (config.maskAddress !== undefined)
        notes.push("the access log masks addresses: live connections cannot be found");
      const unseen = [...this.#splicers].filter((user) => !this.#isCarried(user));
      if (unseen.length > 0) {
        notes.push(
          `downloads of ${unseen.length} users (vision, socks, http) may be counted only when they end: a gate would carry them meanwhile, and XRAY_BUF_SPLICE=disable in the engine's environment prevents it (sluice xray drop-in --no-splice)`,
        );
      }
      notes.push(...config.problems);
    }
    if (this.#gateTrouble !== undefined) notes.push(`marked outbounds: ${this.#gateTrouble}`);
    notes.push(...(this.#options.gates?.notes() ?? []));
    if (this.#follower === undefined)
      notes.push("no access log: live connections of a cut user cannot be found");
    else if (this.#follower.trouble !== undefined)
      notes.push(`access log ${this.#follower.path}: ${this.#follower.trouble}`);
    return notes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#follower?.[Symbol.dispose]();
    await this.#enforcer[Symbol.asyncDispose]();
    await this.#link[Symbol.asyncDispose]();
  }

  /** By which protocols he comes, as the config has it; the same list while the config is the same. */
  protocolsOf({ users }: Entry): readonly string[] {
    const { config } = this.files;
    if (this.#protocols?.config !== config) this.#protocols = { config, byUser: protocolsByUser(config) };
    const [first, ...others] = [...users].map((user) => this.#protocols?.byUser.get(user) ?? []);
    return others.length === 0 ? (first ?? []) : [...new Set([first ?? [], ...others].flat())];
  }

  get apiPort(): number | undefined {
    return loopbackOf(this.settings.api)?.port;
  }

  /** What of its traffic a last look does not see, as one clause. */
  unseenAtLast(): string | undefined {
    if (this.#splicers.size > 0) {
      return "downloads that the kernel copies for vision, socks and http users (XRAY_BUF_SPLICE=disable in its environment prevents them)";
    }
    const local = this.files.config?.inbounds.some(
      ({ listen, clients }) => clients.length > 0 && /^[/@]/.test(listen ?? ""),
    );
    return local ? "what still arrives on its Unix sockets, which cannot be held" : undefined;
  }

  /**
   * Whose downloads the kernel may copy, uncounted until they end: vision flows,
   * and users of socks and http. Nobody's where the engine was told not to
   * (facts: xray 2.3).
   */
  #findSplicers(): ReadonlySet<UserName> {
    const clients = this.files.config?.inbounds.flatMap((inbound) => inbound.clients) ?? [];
    const splicers = clients.filter(({ account }) =>
      account.protocol === "vless"
        ? account.flow.includes("vision")
        : account.protocol === "socks" || account.protocol === "http",
    );
    if (splicers.length === 0) return new Set();
    const pid = this.#pid();
    const off = pid !== undefined && processEnvironment(pid)?.get("XRAY_BUF_SPLICE") === "disable";
    return new Set(off ? [] : splicers.map(({ email }) => email));
  }

  /** The kernel's figure of his gate stands in for the engine's. */
  #isCarried(user: UserName): boolean {
    const { books, gates } = this.#options;
    const entry = books.accounts.get(books.accountNameOf(user));
    return entry !== undefined && gates?.proofOf(entry)?.kind === "proven";
  }

  async #know(): Promise<void> {
    this.#splicers = this.#findSplicers();
    await this.#meet(this.#enforcer.users());
  }

  /** Every user has an account before his first byte, and a gate within the same look. */
  async #meet(users: Iterable<UserName>): Promise<void> {
    const { books, gates } = this.#options;
    const fresh = new Set<Entry>();
    for (const user of users) {
      if (this.#seen.has(user)) continue;
      const entry = books.know(user, "xray");
      this.#seen.add(user);
      if (entry) fresh.add(entry);
    }
    if (!gates || fresh.size === 0) return;
    try {
      const accounts = await gates.want([...fresh]);
      if (!this.#isElsewhere()) await this.#outbounds.stand(accounts);
      this.#gateTrouble = undefined;
    } catch (error) {
      this.#gateTrouble = reasonOf(error); // tried again by the upkeep
    }
  }

  /** The engine's counters, with the kernel's figures read right before them. */
  #sourceOf(inner: XraySource): CounterSource {
    return {
      name: inner.name,
      read: async (which, signal, marks) => {
        const { gates } = this.#options;
        await gates?.sample();
        const report = await inner.read(which, signal, marks).catch((error: unknown) => {
          gates?.lostSight(inner.name);
          throw error;
        });
        await this.#meet(report.readings.map(({ user }) => user));
        return gates?.carry(report, inner.name, which) ?? report;
      },
      pending: () => inner.pending(),
      forget: () => inner.forget(),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  /** Its sockets are another network namespace's: no rule of ours sees them. */
  #isElsewhere(): boolean {
    const pid = this.#pid();
    return pid !== undefined && networkNamespaceOf(pid) !== networkNamespaceOf("self");
  }

  #followLog(): void {
    const { accessLog } = this.settings;
    const fromConfig = this.files.config?.accessLog;
    const path =
      accessLog === "auto"
        ? fromConfig?.kind === "file"
          ? fromConfig.path
          : undefined
        : (accessLog ?? undefined);
    if (path === this.#follower?.path) return;
    this.#follower?.[Symbol.dispose]();
    this.#follower = path === undefined ? undefined : new LogFollower(path, (line) => this.#onLine(line));
  }

  #onLine(text: string): void {
    this.#options.onAccessLine(text);
    const line = parseAccessLine(text);
    if (!line || !tiesUser(line)) return;
    this.#connections.note(line);
    // A line that comes after the cut belongs to a connection made just before it.
    if (this.#enforcer.isDenied(line.user))
      this.#connections.end(line.user, (other) => this.#enforcer.isDenied(other));
    else this.#options.onLife(line.user);
  }

  #portsOf(inbound: string | undefined): readonly number[] {
    const inbounds = this.files.config?.inbounds.filter(({ clients }) => clients.length > 0) ?? [];
    const named = inbounds.filter(({ tag }) => tag === inbound);
    return (inbound === undefined || named.length === 0 ? inbounds : named).flatMap(({ ports }) => ports);
  }

  /** The process behind its API, where that is on this host's loopback. */
  process(): { pid: number; start: string } | undefined {
    const pid = this.#pid();
    const start = pid === undefined ? undefined : processStart(pid);
    return pid === undefined || start === undefined ? undefined : { pid, start };
  }

  #pid(): number | undefined {
    return enginePid(this.settings.api);
  }

  #arguments(): readonly string[] {
    const pid = this.#pid();
    return (pid === undefined ? undefined : processArguments(pid)) ?? [];
  }

  #configCuts(): ConfigCuts | string {
    const { service, config } = this.settings;
    if (config === null) return "config.json may not be touched (xray.config is null)";
    if (service === null) return "the engine cannot be restarted (xray.service is null)";
    const { clock, save, lastLook } = this.#options;
    return new ConfigCuts({
      keeper: this.settings.name,
      clock,
      path: () => this.files.path,
      test: (candidate) => this.#testConfig(candidate),
      restart: async () => {
        await lastLook();
        await promisify(execFile)("systemctl", ["restart", service], { timeout: RESTART_DEADLINE_MS });
      },
      save,
      spacing: RESTART_SPACING,
    });
  }

  async #testConfig(path: string): Promise<void> {
    const pid = this.#pid();
    if (pid === undefined) throw new Error("Cannot test the config: the engine's process is not known");
    await testForEngine(pid, path);
  }
}

/** Bytes of his were seen to pass by the gate. */
function isShort(proof: Proof | undefined): boolean {
  return proof?.kind === "partial" || proof?.kind === "refuted";
}

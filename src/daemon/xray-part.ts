/**
 * One Xray or V2Ray engine, assembled: link, counter source, config file,
 * access log, connections and gate, tied together in the order an engine needs.
 */
import { execFile } from "node:child_process";
import { readlinkSync } from "node:fs";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import type { XraySettings } from "../config.ts";
import { ConfigCuts, type Neutralised } from "../enforcement/xray/config-cuts.ts";
import { type EngineKind, testConfig } from "../enforcement/xray/config-test.ts";
import { Connections } from "../enforcement/xray/connections.ts";
import { XrayEnforcer } from "../enforcement/xray/xray-enforcer.ts";
import { reasonOf } from "../errors.ts";
import { bootId, processArguments, processEnvironment, processStart, processUid } from "../kernel/process.ts";
import { listenerPid } from "../kernel/socket-owner.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import type { UserName } from "../names.ts";
import type { Job } from "../scheduler/scheduler.ts";
import { LogFollower } from "../sources/log-follower.ts";
import { parseAccessLine } from "../sources/xray/access-log.ts";
import { EngineFiles } from "../sources/xray/engine-files.ts";
import { EngineLink } from "../sources/xray/engine-link.ts";
import { XraySource } from "../sources/xray/xray-source.ts";
import { milliseconds, monotonicTime } from "../units.ts";
import type { Books } from "./books.ts";
import type { Gate } from "./gatekeeper.ts";

export interface XrayPartOptions {
  readonly settings: XraySettings;
  readonly books: Books;
  readonly sockets: SocketTable;
  readonly clock: Clock;
  /** Applies every cut again; runs before a new connection is used for anything else. */
  readonly reapply: (gate: Gate, signal: AbortSignal) => Promise<unknown>;
  /** Reads the counters one last time, before the engine is restarted. */
  readonly lastLook: () => Promise<unknown>;
  readonly save: (user: UserName, held: readonly Neutralised[]) => Promise<void>;
  /** A connection is ready to be read: what it can tell is overdue. */
  readonly onReady: () => void;
  /** A user near his limit made a connection. */
  readonly onLife: (user: UserName) => void;
}

/** Two restarts of an engine for config cuts lie at least this far apart. */
const RESTART_SPACING = milliseconds(60_000);
/** systemd itself gives a unit 90 s to stop and 90 s to start. */
const RESTART_DEADLINE_MS = 200_000;
const UPKEEP_MS = 5_000;
const PRUNE_EVERY = 6;

export class XrayPart implements AsyncDisposable {
  readonly settings: XraySettings;
  readonly source: XraySource;
  readonly gate: Gate;
  readonly files: EngineFiles;
  readonly #options: XrayPartOptions;
  readonly #link: EngineLink;
  readonly #enforcer: XrayEnforcer;
  readonly #connections: Connections;
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
        this.#know();
        await options.reapply(this.gate, signal);
      },
      onReady: options.onReady,
    });
    this.source = new XraySource(settings.name, this.#link, clock);
    this.files = new EngineFiles(settings.config, () => ({ argv: this.#arguments() }));
    this.#connections = new Connections(sockets, (inbound) => this.#portsOf(inbound));
    this.#enforcer = new XrayEnforcer({
      keeper: settings.name,
      clock,
      session: () => this.#link.session(),
      connected: () => this.#link.connected,
      files: this.files,
      connections: this.#connections,
      catchUp: () => this.#follower?.catchUp(),
      configCuts: this.#configCuts(),
    });
    this.gate = this.#enforcer;
  }

  /** Begins to connect, reads the config and follows the log. */
  async start(): Promise<void> {
    await this.files.refresh();
    this.#know();
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
        if (await this.files.refresh()) this.#know();
        this.#followLog();
        this.#upkeeps += 1;
        if (this.#upkeeps % PRUNE_EVERY === 0) this.#connections.prune();
      },
    };
  }

  /** What an operator should know of how well this engine can be metered and cut; one sentence each. */
  notes(): readonly string[] {
    const notes: string[] = [];
    const { config, trouble } = this.files;
    if (trouble !== undefined) notes.push(`config: ${trouble}`);
    if (config) {
      if (!config.hasStats) notes.push('config has no "stats": the engine counts nobody');
      if (!config.apiServices.includes("HandlerService"))
        notes.push("no HandlerService: cuts take a restart of the engine");
      const untagged = config.inbounds.filter(
        ({ tag, clients }) => tag === undefined && clients.length > 0,
      ).length;
      if (untagged > 0)
        notes.push(`${untagged} inbounds without a tag: cuts there take a restart of the engine`);
      if (config.maskAddress !== undefined)
        notes.push("the access log masks addresses: live connections cannot be found");
      if (this.#mayBeSpliced()) {
        notes.push(
          "xtls-rprx-vision in use: downloads may show only when they end; XRAY_BUF_SPLICE=disable in the engine's environment prevents it",
        );
      }
      notes.push(...config.problems);
    }
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

  get apiPort(): number | undefined {
    return this.#loopback?.port;
  }

  /** What of its traffic a last look does not see, as one clause. */
  unseenAtLast(): string | undefined {
    if (this.#mayBeSpliced()) {
      return "downloads that the kernel copies for xtls-rprx-vision (XRAY_BUF_SPLICE=disable in its environment prevents them)";
    }
    const local = this.files.config?.inbounds.some(
      ({ listen, clients }) => clients.length > 0 && /^[/@]/.test(listen ?? ""),
    );
    return local ? "what still arrives on its Unix sockets, which cannot be held" : undefined;
  }

  /** Vision flows are copied by the kernel, uncounted until they end, unless the engine was told not to (facts: xray 2.3). */
  #mayBeSpliced(): boolean {
    const clients = this.files.config?.inbounds.flatMap((inbound) => inbound.clients) ?? [];
    if (!clients.some(({ account }) => account.protocol === "vless" && account.flow.includes("vision")))
      return false;
    const pid = this.#pid();
    return pid === undefined || processEnvironment(pid)?.get("XRAY_BUF_SPLICE") !== "disable";
  }

  #know(): void {
    for (const user of this.#enforcer.users()) this.#options.books.know(user, "xray");
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
    const line = parseAccessLine(text);
    if (!line) return;
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
    const { address, port } = this.#loopback ?? {};
    return address === undefined || port === undefined ? undefined : listenerPid(address, port);
  }

  /** Where its API is, if that is on this host's loopback; a Unix socket's process is known by its uptime alone. */
  get #loopback(): { readonly address: string; readonly port: number } | undefined {
    const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(this.settings.api) ?? [];
    const host = bracketed ?? plain;
    const address = host === "localhost" ? "127.0.0.1" : host;
    if (address === undefined || !/^127\.|^::1$/.test(address)) return undefined;
    return { address, port: Number(port) };
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
    const uid = processUid(pid);
    let binary: string;
    try {
      binary = readlinkSync(`/proc/${pid}/exe`);
    } catch (error) {
      throw new Error(`Cannot test the config: ${reasonOf(error)}`, { cause: error });
    }
    const user = uid === undefined || uid === process.getuid?.() ? undefined : { uid, gid: uid };
    await testConfig({
      binary,
      kind: await engineKind(binary),
      user,
      path,
      signal: AbortSignal.timeout(30_000),
    });
  }
}

/**
 * Told by what `-version` prints, which Xray and V2Ray 4 both know and V2Ray 5
 * refuses. Not asked by `version`: V2Ray 4 passes over a word it does not know
 * and starts as an engine, on whatever config it finds.
 */
async function engineKind(binary: string): Promise<EngineKind> {
  const said = await promisify(execFile)(binary, ["-version"], { timeout: 10_000 }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  if (said.startsWith("Xray")) return "xray";
  return said.startsWith("V2Ray 4") ? "v2ray4" : "v2ray5";
}

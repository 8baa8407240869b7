/**
 * Shuts a user out of one Xray or V2Ray engine, and lets him in again.
 *
 * A cut, in this order: his gate in the kernel shuts, so that nothing passes any
 * more; out of every inbound that has him, so that he cannot come back; into the
 * blackhole rule; then his live connections are ended in the kernel, on both
 * sides of the engine. Inbounds the API cannot reach (no tag, no user manager,
 * no HandlerService) are handled in config.json, which ends everybody's
 * connections: not where all his bytes were seen to pass the gate. What stays
 * possible afterwards is said, never assumed away.
 */
import type { Clock } from "../../clock.ts";
import { KernelUnavailableError, UnreachableError } from "../../errors.ts";
import type { HeldAccess } from "../../ledger/account.ts";
import type { KeeperName, UserName } from "../../names.ts";
import type { EngineFiles } from "../../sources/xray/engine-files.ts";
import type { EngineInbound } from "../../sources/xray/engine-inbounds.ts";
import { rulesAhead } from "../../sources/xray/engine-routing.ts";
import type { Session } from "../../sources/xray/session.ts";
import type { Access, Action, Enforcer, LateEnd, Outcome } from "../enforcer.ts";
import type { AccountGates } from "./account-gates.ts";
import { BlackholeRule } from "./blackhole-rule.ts";
import type { ConfigCuts, Neutralised } from "./config-cuts.ts";
import type { Connections } from "./connections.ts";
import { addUser, listInboundTags, listUsers, removeUser } from "./handler-service.ts";
import { type Dialect, userMessageOf } from "./user-message.ts";

type Removed = Extract<HeldAccess, { kind: "removed" }>;

export interface XrayEnforcerOptions {
  readonly keeper: KeeperName;
  readonly clock: Clock;
  /** The session in use. @throws {SourceUnavailableError} */
  readonly session: () => Session;
  readonly connected: () => boolean;
  readonly files: EngineFiles;
  readonly connections: Connections;
  /** Reads the access log up to now, so that the newest connections are known. */
  readonly catchUp: () => void;
  /** The kernel's gates; undefined where nobody has one. */
  readonly gates: AccountGates | undefined;
  /** Undefined where config.json must not be touched or the engine cannot be restarted; the text says why. */
  readonly configCuts: ConfigCuts | string;
}

export class XrayEnforcer implements Enforcer {
  readonly name: KeeperName;
  readonly #options: XrayEnforcerOptions;
  readonly #blackhole = new BlackholeRule();
  readonly #denied = new Set<UserName>();
  #session: Session | undefined;
  #dialect: Dialect = "v2ray";
  /** By tag, the users the running engine has; undefined for an inbound that cannot list them. */
  #present = new Map<string, ReadonlyMap<UserName, Uint8Array> | undefined>();

  constructor(options: XrayEnforcerOptions) {
    this.name = options.keeper;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#options.connected();
  }

  /** Learns a newly connected engine, before the session is handed to anyone else. */
  async attach(session: Session): Promise<void> {
    this.#session = session;
    this.#denied.clear(); // this engine may have forgotten every cut: they are applied again
    this.#dialect = (await session.speaksXray()) ? "xray" : "v2ray";
    await this.#options.files.refresh();
    await this.#learnUsers(session);
  }

  /** Engine users known from the API or from config.json. */
  users(): Set<UserName> {
    const users = new Set<UserName>();
    for (const { clients } of this.#inbounds()) for (const { email } of clients) users.add(email);
    for (const present of this.#present.values()) for (const user of present?.keys() ?? []) users.add(user);
    return users;
  }

  isDenied(user: UserName): boolean {
    return this.#denied.has(user);
  }

  /** What would have to be put back after a cut: to be remembered before it. */
  foresee(user: UserName): readonly Removed[] {
    return this.#tagsOf(user).flatMap((tag) => {
      const message = this.#messageOf(user, tag);
      return message
        ? [{ kind: "removed", keeper: this.name, user, inbound: tag, message: toBase64(message) } as const]
        : [];
    });
  }

  async observe(signal: AbortSignal): Promise<ReadonlyMap<UserName, Access>> {
    signal.throwIfAborted();
    const session = this.#session ?? this.#options.session();
    await this.#options.files.refresh();
    await this.#learnUsers(session);
    const observed = new Map<UserName, Access>();
    for (const user of this.users()) {
      const somewhere = [...this.#present].some(([tag, present]) =>
        present ? present.has(user) : !this.#denied.has(user) && this.#configHas(tag, user),
      );
      const untagged = this.#inbounds().some((inbound) => inbound.tag === undefined && has(inbound, user));
      observed.set(user, somewhere || (untagged && !this.#denied.has(user)) ? "allowed" : "denied");
    }
    return observed;
  }

  async apply(action: Action, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    return action.kind === "cut" ? this.#cut(action, signal) : this.#restore(action, signal);
  }

  /** Looks again: ends what was logged since the cut, and counts. */
  endLate(user: UserName): LateEnd {
    this.#options.catchUp();
    return this.#options.connections.end(user, (other) => this.#denied.has(other));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session = undefined;
  }

  async #cut({ user, held }: Action, signal: AbortSignal): Promise<Outcome> {
    // Needs no engine: one whose API is down still carries him.
    const gated = (await this.#options.gates?.shut(user)) ?? false;
    const session = this.#liveSession();
    this.#denied.add(user);
    // Somebody may have added him since the engine was last asked whom it has.
    if (held.length === 0 && !this.users().has(user)) await this.#learnUsers(session);
    const foreseen = this.foresee(user);
    const known = held.length > 0 || this.users().has(user);
    const shortfalls: string[] = [];
    const forConfig = new Set(
      this.#inbounds()
        .filter((inbound) => inbound.tag === undefined && has(inbound, user))
        .map(({ index }) => index),
    );
    await Promise.all(
      this.#tagsOf(user).map(async (tag) => {
        const result = await removeUser(session, this.#dialect, tag, user);
        if (result === "no-user-manager" || result === "no-handler-service") {
          for (const inbound of this.#inbounds())
            if (inbound.tag === tag && has(inbound, user)) forConfig.add(inbound.index);
        }
        this.#forgetPresent(tag, user);
      }),
    );
    const { ended, shortfalls: unreached } = this.endLate(user);
    shortfalls.push(...unreached);
    const marked = this.#endMarked(user);
    shortfalls.push(...marked.shortfalls);
    await this.#blackhole.set(session, [...this.#denied]);
    if (!gated) shortfalls.push(...this.#muxShortfall(user));

    const removed = foreseen.filter(
      ({ inbound }) => !this.#inbounds().some((each) => each.tag === inbound && forConfig.has(each.index)),
    );
    const kept = held.filter((each): each is Neutralised => each.kind === "neutralised");
    if (!known) {
      shortfalls.push("the engine's inbounds that have him are not known (is config.json readable?)");
    }
    const places = new Set(kept.map(({ inbound }) => inbound.index));
    const ready = gated || [...forConfig].every((index) => places.has(index));
    // A cut may take nothing from him but the way out, and that must be given back too.
    const taken: HeldAccess[] = [
      ...(known ? [{ kind: "gate", keeper: this.name, user } as const] : []),
      ...mergeRemoved(held, removed),
    ];
    const outcome = {
      complete: ready,
      ended: Math.max(ended, marked.ended),
      shortfalls,
      held: [...taken, ...kept],
    };
    const { configCuts } = this.#options;
    if (ready) return outcome;
    if (typeof configCuts === "string") {
      return { ...outcome, shortfalls: [...shortfalls, `new connections stay possible: ${configCuts}`] };
    }
    const rest = configCuts
      .cut(user, forConfig, kept, signal)
      .then((neutralised) => ({ ...outcome, complete: true, held: [...taken, ...neutralised] }));
    return { ...outcome, rest };
  }

  async #restore({ user, held }: Action, signal: AbortSignal): Promise<Outcome> {
    const session = this.#liveSession();
    const shortfalls: string[] = [];
    for (const each of held) {
      if (each.kind !== "removed") continue;
      const current = this.#configMessage(user, each.inbound);
      const message = current ?? Buffer.from(each.message, "base64");
      const result = await addUser(session, this.#dialect, each.inbound, message);
      if (result !== "added" && result !== "present") shortfalls.push(`inbound "${each.inbound}": ${result}`);
    }
    const secrets = held.filter((each): each is Neutralised => each.kind === "neutralised");
    this.#denied.delete(user);
    await this.#options.gates?.open(user);
    await this.#blackhole.set(session, [...this.#denied]);
    const outcome = { complete: true, ended: 0, shortfalls, held: [] };
    if (secrets.length === 0) return outcome;
    const { configCuts } = this.#options;
    if (typeof configCuts === "string") throw new UnreachableError(configCuts);
    const rest = configCuts.restore(user, secrets, signal).then(() => outcome);
    return { ...outcome, complete: false, held: secrets, rest };
  }

  /** The connections the engine made for him: those of mux, UDP and clients behind a proxy are among them. */
  #endMarked(user: UserName): { readonly ended: number; readonly shortfalls: readonly string[] } {
    try {
      const { tcp, udp } = this.#options.gates?.end(user) ?? { tcp: 0, udp: 0 };
      return { ended: tcp + udp, shortfalls: [] };
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      return { ended: 0, shortfalls: [`marked connections stay: ${error.message}`] };
    }
  }

  #muxShortfall(user: UserName): string[] {
    const { config } = this.#options.files;
    if (!this.#blackhole.supported)
      return this.#options.connections.countOf(user) > 0
        ? ["mux sub-streams stay possible (no AddRule)"]
        : [];
    const ahead = config ? rulesAhead(config, user) : [];
    return ahead.length === 0 ? [] : ["mux sub-streams stay possible where an earlier routing rule matches"];
  }

  #liveSession(): Session {
    return this.#session?.alive ? this.#session : this.#options.session();
  }

  async #learnUsers(session: Session): Promise<void> {
    const fromConfig = this.#inbounds().flatMap(({ tag, clients }) =>
      tag !== undefined && clients.length > 0 ? [tag] : [],
    );
    const tags = new Set([...((await listInboundTags(session)) ?? []), ...fromConfig]);
    const present = new Map<string, ReadonlyMap<UserName, Uint8Array> | undefined>();
    for (const tag of tags) {
      const users = await listUsers(session, tag);
      if (users !== undefined || fromConfig.includes(tag)) present.set(tag, users);
    }
    this.#present = present;
  }

  /** The tagged inbounds that have him. Exactly his name: RemoveUser itself ignores case. */
  #tagsOf(user: UserName): string[] {
    return [...this.#present]
      .filter(([tag, present]) => (present ? present.has(user) : this.#configHas(tag, user)))
      .map(([tag]) => tag);
  }

  #messageOf(user: UserName, tag: string): Uint8Array | undefined {
    return this.#configMessage(user, tag) ?? this.#present.get(tag)?.get(user);
  }

  #configMessage(user: UserName, tag: string): Uint8Array | undefined {
    const inbound = this.#inbounds().find((each) => each.tag === tag);
    const client = inbound?.clients.find(({ email }) => email === user);
    return client && userMessageOf(client, this.#dialect);
  }

  #configHas(tag: string, user: UserName): boolean {
    return this.#inbounds().some((inbound) => inbound.tag === tag && has(inbound, user));
  }

  #forgetPresent(tag: string, user: UserName): void {
    const present = this.#present.get(tag);
    if (present) this.#present.set(tag, new Map([...present].filter(([name]) => name !== user)));
  }

  #inbounds(): readonly EngineInbound[] {
    return this.#options.files.config?.inbounds ?? [];
  }
}

function has(inbound: EngineInbound, user: UserName): boolean {
  return inbound.clients.some(({ email }) => email === user);
}

/** Per inbound the newer message; what was removed earlier and is not there any more stays remembered. */
function mergeRemoved(earlier: readonly HeldAccess[], now: readonly Removed[]): Removed[] {
  const byInbound = new Map<string, Removed>();
  for (const each of earlier) if (each.kind === "removed") byInbound.set(each.inbound, each);
  for (const each of now) byInbound.set(each.inbound, each);
  return [...byInbound.values()];
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

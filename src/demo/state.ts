/**
 * What the embedded engine knows: inbounds with users, outbounds, routing rules.
 *
 * Semantics and refusals are Xray's, down to the ends of its sentences, since
 * those are all a client has to tell one fault from another. Nothing here is
 * kept: a restarted engine begins again with the users it was configured with.
 *
 * Pure: no clock, no I/O.
 */

/** A proto message in an envelope: its bare full name and its bytes. */
export interface TypedMessage {
  readonly type: string;
  readonly value: Uint8Array;
}

export interface EngineUser {
  readonly email: string;
  readonly level: number;
  readonly account: TypedMessage;
}

export interface EngineOutbound {
  readonly tag: string;
  /** "xray.proxy.blackhole.Config" swallows what it is given. */
  readonly proxySettings: TypedMessage | null;
}

export interface RoutingRule {
  /** The outbound's tag. */
  readonly tag: string;
  /** "" for none; else unique. */
  readonly ruleTag: string;
  /** Exact names, or patterns behind "regexp:". Empty: any user. */
  readonly userEmail: readonly string[];
  /** Empty: any inbound. */
  readonly inboundTag: readonly string[];
}

export class EngineState {
  /** Inbound tag to its users, by lower-case e-mail: Xray compares them so. */
  readonly #inbounds = new Map<string, Map<string, EngineUser>>();
  readonly #outbounds = new Map<string, EngineOutbound>();
  #rules: readonly RoutingRule[] = [];

  constructor(inbounds: ReadonlyMap<string, readonly EngineUser[]>, outbounds: readonly EngineOutbound[]) {
    for (const [tag, users] of inbounds) {
      this.#inbounds.set(tag, new Map());
      for (const user of users) this.addUser(tag, user);
    }
    for (const outbound of outbounds) this.addOutbound(outbound);
  }

  get inboundTags(): readonly string[] {
    return [...this.#inbounds.keys()];
  }

  get outbounds(): readonly EngineOutbound[] {
    return [...this.#outbounds.values()];
  }

  get rules(): readonly RoutingRule[] {
    return this.#rules;
  }

  /** @throws for an unknown tag or a user who is there. */
  addUser(tag: string, user: EngineUser): void {
    const users = this.#usersOf(tag);
    const key = user.email.toLowerCase();
    if (users.has(key)) throw new Error(`proxy/vless: User ${user.email} already exists.`);
    users.set(key, user);
  }

  /** Refuses his new connections; live ones go on. @throws for an unknown tag or user. */
  removeUser(tag: string, email: string): void {
    const users = this.#usersOf(tag);
    if (email === "") throw new Error("proxy/vless: Email must not be empty.");
    if (!users.delete(email.toLowerCase())) throw new Error(`proxy/vless: User ${email} not found.`);
  }

  /** By lower-case e-mail. @throws for an unknown tag. */
  usersOf(tag: string): ReadonlyMap<string, EngineUser> {
    return this.#usersOf(tag);
  }

  /** @throws when there is one of that tag. */
  addOutbound(outbound: EngineOutbound): void {
    if (this.#outbounds.has(outbound.tag)) {
      throw new Error(`app/proxyman/outbound: existing tag found: ${outbound.tag}`);
    }
    this.#outbounds.set(outbound.tag, outbound);
  }

  /** An unknown tag is no fault. */
  removeOutbound(tag: string): void {
    this.#outbounds.delete(tag);
  }

  /** @param append behind the present rules; false throws those away. @throws for a rule tag that is taken. */
  addRules(added: readonly RoutingRule[], append: boolean): void {
    const rules = append ? [...this.#rules] : [];
    for (const rule of added) {
      if (rule.ruleTag !== "" && rules.some(({ ruleTag }) => ruleTag === rule.ruleTag)) {
        throw new Error(`app/router: duplicate ruleTag ${rule.ruleTag}`);
      }
      rules.push(rule);
    }
    this.#rules = rules;
  }

  /** An unknown tag is no fault, an empty one is. */
  removeRule(tag: string): void {
    if (tag === "") throw new Error("app/router: empty tag name!");
    this.#rules = this.#rules.filter(({ ruleTag }) => ruleTag !== tag);
  }

  /** Whether a new connection of this user moves bytes: some inbound has him and no rule swallows him there. */
  admits(email: string): boolean {
    return this.inboundTags.some(
      (tag) => this.usersOf(tag).has(email.toLowerCase()) && !this.#swallows(tag, email),
    );
  }

  #usersOf(tag: string): Map<string, EngineUser> {
    const users = this.#inbounds.get(tag);
    if (!users) {
      throw new Error(
        `app/proxyman/command: failed to get handler: ${tag} > app/proxyman/inbound: handler not found: ${tag}`,
      );
    }
    return users;
  }

  /** The first rule that matches decides; one that names no outbound there is, does not. */
  #swallows(inbound: string, email: string): boolean {
    const rule = this.#rules.find(
      ({ userEmail, inboundTag }) =>
        (inboundTag.length === 0 || inboundTag.includes(inbound)) &&
        (userEmail.length === 0 || userEmail.some((pattern) => matches(pattern, email))),
    );
    const outbound = rule && this.#outbounds.get(rule.tag);
    return outbound?.proxySettings?.type === "xray.proxy.blackhole.Config";
  }
}

function matches(pattern: string, email: string): boolean {
  return pattern.startsWith("regexp:")
    ? new RegExp(pattern.slice("regexp:".length)).test(email)
    : pattern === email;
}

/**
 * By which protocol users of an engine come: told by the inbound's tag where a log
 * line has it, else by the user, if he comes by one protocol alone.
 *
 * Pure: no I/O, no clock.
 */

/** What an engine's config says of one inbound. */
export interface InboundNames {
  readonly tag: string | undefined;
  /** In lower case. */
  readonly protocol: string;
  readonly users: readonly string[];
}

export class EngineProtocols {
  readonly #byTag = new Map<string, string>();
  /** Undefined for users of several. */
  readonly #byUser = new Map<string, string | undefined>();

  constructor(inbounds: readonly InboundNames[]) {
    for (const { tag, protocol, users } of inbounds) {
      if (tag !== undefined) this.#byTag.set(tag, protocol);
      for (const user of users) {
        const other = this.#byUser.has(user) && this.#byUser.get(user) !== protocol;
        this.#byUser.set(user, other ? undefined : protocol);
      }
    }
  }

  protocolOf(tag: string | undefined, user: string | undefined): string | undefined {
    const byTag = tag === undefined ? undefined : this.#byTag.get(tag);
    return byTag ?? (user === undefined ? undefined : this.#byUser.get(user));
  }
}

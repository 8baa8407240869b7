/**
 * Where each account's client was last seen, and through what it came: a flow that
 * leaves this host for him shows neither.
 *
 * Pure but for what it remembers: the accounts heard of last, a bounded number.
 */
import type { UserName } from "../names.ts";
import type { Service } from "./sighting.ts";

export interface Whereabout {
  readonly service: Service;
  /** The client's address; undefined behind a proxy. */
  readonly address: string | undefined;
}

const MOST = 10_000;

export class Whereabouts {
  readonly #last = new Map<string, Whereabout>();

  /** @param keeper by what the account is known: "ssh" or "xray". */
  note(keeper: "ssh" | "xray", account: UserName, whereabout: Whereabout): void {
    const key = `${keeper}:${account}`;
    this.#last.delete(key);
    this.#last.set(key, whereabout);
    if (this.#last.size <= MOST) return;
    const [oldest] = this.#last.keys();
    if (oldest !== undefined) this.#last.delete(oldest);
  }

  of(keeper: "ssh" | "xray", account: UserName): Whereabout | undefined {
    return this.#last.get(`${keeper}:${account}`);
  }
}

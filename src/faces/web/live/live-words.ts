/** What pages are told of what they look at: what several are told alike is put into words once. */
import type { Clock } from "../../../clock.ts";
import type { LiveMessage, LiveView } from "../wire.ts";
import type { AccountFeed } from "./account-feed.ts";
import type { HostsFeed } from "./hosts-feed.ts";

export class LiveWords {
  readonly #accounts: AccountFeed;
  readonly #hosts: HostsFeed;
  readonly #clock: Clock;
  readonly #texts = new Map<string, Buffer>();

  constructor(accounts: AccountFeed, hosts: HostsFeed, clock: Clock) {
    this.#accounts = accounts;
    this.#hosts = hosts;
    this.#clock = clock;
  }

  /** Something is otherwise now. */
  forget(): void {
    this.#texts.clear();
  }

  /**
   * JSON for whoever looks at that.
   *
   * @param fresh he is told all, not what changed since the last beat.
   * @returns undefined while nothing is known.
   */
  text(view: LiveView, fresh: boolean): Buffer | undefined {
    return this.#text(JSON.stringify([view, fresh]), () => (fresh ? this.now(view) : this.#next(view)));
  }

  troubleText(text: string): Buffer {
    return this.#text(text, () => this.trouble(text)) as Buffer; // there is always a message
  }

  /** @returns undefined while nothing is known. */
  now(view: LiveView): LiveMessage | undefined {
    const at = this.#clock.unix();
    if (view.view === "overview") {
      const known = this.#accounts.connected || this.#accounts.trouble !== "";
      return known ? { type: "overview", at, overview: this.#accounts.overview() } : undefined;
    }
    if (view.view === "hosts") return this.#hosts.connected ? this.#hosts.latestHosts(at) : undefined;
    if (view.view === "none" || !this.#accounts.connected) return undefined;
    return view.view === "accounts" ? this.#accounts.allAccounts(at) : this.#accounts.account(view.name, at);
  }

  trouble(text: string): LiveMessage {
    return { type: "trouble", at: this.#clock.unix(), text };
  }

  #next(view: LiveView): LiveMessage | undefined {
    const at = this.#clock.unix();
    if (view.view === "accounts" && this.#accounts.connected) return this.#accounts.changedAccounts(at);
    if (view.view === "hosts" && this.#hosts.connected) return this.#hosts.changedHosts(at);
    return this.now(view);
  }

  #text(key: string, message: () => LiveMessage | undefined): Buffer | undefined {
    const known = this.#texts.get(key);
    if (known) return known;
    const made = message();
    if (!made) return undefined;
    const text = Buffer.from(JSON.stringify(made));
    this.#texts.set(key, text);
    return text;
  }
}

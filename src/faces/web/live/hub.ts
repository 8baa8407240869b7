/**
 * What all open pages look at, told to them as it changes: once a second, and
 * ten times for an account by itself.
 *
 * However many look, there is one watch on the daemon and one on the capture,
 * and what several are told alike is put into words once.
 */
import type { RawData, WebSocket } from "ws";
import type { Clock } from "../../../clock.ts";
import type { Status, UserList, UserRow, WebDesk } from "../../../control/rows.ts";
import { RefusedRequestError } from "../../../errors.ts";
import type { CaptureClient } from "../../../hosts/capture-client.ts";
import { milliseconds } from "../../../units.ts";
import { may, type Viewer } from "../viewer.ts";
import type { LiveMessage, LiveView } from "../wire.ts";
import { AccountFeed } from "./account-feed.ts";
import { Beats } from "./beats.ts";
import { HostsFeed } from "./hosts-feed.ts";
import { GOING_AWAY, LiveClient, POLICY_VIOLATION, TRY_AGAIN_LATER } from "./live-client.ts";
import { LiveWords } from "./live-words.ts";

export interface LiveHubOptions {
  readonly desk: Pick<WebDesk, "watch" | "status">;
  readonly capture: Pick<CaptureClient, "watch">;
  readonly clock: Clock;
  /** Whether a login or a token is still good; asked every ten seconds of each that looks. */
  readonly stillMay: (viewer: Viewer) => boolean;
}

export const MOST_CLIENTS = 500;
/** With one login or token. */
export const MOST_CLIENTS_OF_ONE = 50;
const BEAT_MS = 1_000;
const BEATS_TO_CHECK = 10;
const BEATS_TO_PING = 30;
/** How long a poll waits for a daemon that was not watched. */
const LONGEST_WAIT_MS = 3_000;

export class LiveHub implements Disposable {
  readonly #options: LiveHubOptions;
  readonly #accounts: AccountFeed;
  readonly #hosts: HostsFeed;
  readonly #clients = new Set<LiveClient>();
  readonly #words: LiveWords;
  readonly #ended = new AbortController();
  readonly #beats: Beats;
  #beatsSoFar = 0;

  constructor(options: LiveHubOptions) {
    this.#options = options;
    const { desk, capture, clock } = options;
    this.#accounts = new AccountFeed({
      ...{ desk, clock },
      onList: (list, first) => this.#onList(list, first),
      onTrouble: (text) => this.#warn(text, (view) => view !== "hosts" && view !== "none"),
    });
    this.#hosts = new HostsFeed({
      ...{ capture, clock },
      onFirst: () => this.#tellThose((client) => client.view.view === "hosts"),
      onTrouble: (text) => this.#warn(text, (view) => view === "hosts"),
    });
    this.#beats = new Beats({
      ...{ clock, period: milliseconds(BEAT_MS), onBeat: () => this.#beat() },
      goesOn: () => this.#clients.size > 0 || this.#accounts.running || this.#hosts.running,
    });
    this.#words = new LiveWords(this.#accounts, this.#hosts, clock);
  }

  /** Pages that are open. */
  get viewers(): number {
    return this.#clients.size;
  }

  /** When the daemon was heard last: Unix time in milliseconds; 0 never. */
  get heardAt(): number {
    return this.#accounts.heardAt;
  }

  /** By their names; empty while nobody looks: await `heard()` before. */
  users(): ReadonlyMap<string, UserRow> {
    return this.#accounts.users;
  }

  /** As of the last second; undefined while nobody looks, or the daemon is away. */
  status(): Status | undefined {
    return this.#accounts.status;
  }

  /**
   * Asks the daemon, and goes on for a while: the next who asks need not wait.
   *
   * @param forMs how long, milliseconds; a quarter of a minute if left out.
   * @returns whether what `users()` has is so now.
   */
  async heard(forMs?: number): Promise<boolean> {
    this.#accounts.want(forMs);
    this.#beats.begin();
    await this.#soon(this.#accounts.settled());
    return this.#accounts.connected;
  }

  /** Takes a page on; its socket is already known to be of somebody who may read. */
  attach(socket: WebSocket, viewer: Viewer): void {
    // What is wrong with a socket ends it; that is told by "close".
    socket.on("error", () => undefined);
    const alike = [...this.#clients].filter((client) => client.viewer.key === viewer.key);
    if (this.#clients.size >= MOST_CLIENTS || alike.length >= MOST_CLIENTS_OF_ONE) {
      return socket.close(TRY_AGAIN_LATER, "Too many pages are open");
    }
    const client = new LiveClient(socket, viewer);
    this.#clients.add(client);
    socket.on("message", (data, binary) => this.#hear(client, data, binary));
    socket.on("close", () => {
      this.#clients.delete(client);
      this.#showAccounts();
    });
    this.#beats.begin();
  }

  /** Closes all pages of a login or a token. */
  endOf(key: string): void {
    for (const client of this.#clients) {
      if (client.viewer.key === key) client.close(POLICY_VIOLATION, "The login has ended");
    }
  }

  /**
   * The same for those who poll.
   *
   * @throws {RefusedRequestError} for what this viewer may not see.
   */
  async view(view: LiveView, viewer: Viewer): Promise<LiveMessage> {
    if (!maySee(view, viewer)) {
      throw new RefusedRequestError(`Cannot show ${view.view} to "${viewer.name}": expected an admin`);
    }
    if (view.view === "hosts") {
      this.#hosts.want();
      this.#beats.begin();
      await this.#soon(this.#hosts.settled());
    } else {
      await this.heard();
    }
    return this.#words.now(view) ?? this.#words.trouble(this.#troubleIn(view) || "No answer yet");
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#beats[Symbol.dispose]();
    for (const client of this.#clients) client.close(GOING_AWAY, "The server stops");
    this.#accounts.stop();
    this.#hosts.stop();
  }

  #hear(client: LiveClient, data: RawData, binary: boolean): void {
    const view = client.viewIn(data, binary);
    if (!view) return client.close(POLICY_VIOLATION, "Expected a view in JSON, some a second at the most");
    if (!maySee(view, client.viewer)) return client.close(POLICY_VIOLATION, "Only admins see hosts");
    client.view = view;
    client.fresh = true;
    this.#showAccounts();
    this.#want(client);
    this.#tell(client);
  }

  #want({ view }: LiveClient): void {
    if (view.view === "none") return;
    if (view.view === "hosts") this.#hosts.want();
    else this.#accounts.want();
  }

  #showAccounts(): void {
    const names = [...this.#clients].flatMap(({ view }) => (view.view === "account" ? view.name : []));
    this.#accounts.show([...new Set(names)]);
  }

  #beat(): void {
    this.#beatsSoFar += 1;
    this.#words.forget();
    for (const client of this.#clients) {
      client.beat();
      if (this.#beatsSoFar % BEATS_TO_PING === 0) client.ping();
      if (this.#beatsSoFar % BEATS_TO_CHECK === 0 && !this.#options.stillMay(client.viewer)) {
        client.close(POLICY_VIOLATION, "The login has ended");
      }
      this.#want(client);
    }
    this.#accounts.beat();
    this.#hosts.beat();
    for (const client of this.#clients) this.#tell(client);
    this.#accounts.forgetChanges();
    this.#hosts.forgetChanges();
    this.#words.forget();
  }

  #onList({ users, gone }: UserList, first: boolean): void {
    this.#words.forget();
    if (first) return this.#tellThose(({ view }) => view.view !== "hosts");
    const names = new Set([...users.map(({ name }) => name), ...gone]);
    this.#tellThose(({ view }) => view.view === "account" && names.has(view.name));
  }

  #tellThose(wanted: (client: LiveClient) => boolean): void {
    for (const client of this.#clients) if (wanted(client)) this.#tell(client);
  }

  #tell(client: LiveClient): void {
    const { view, fresh } = client;
    if (view.view === "none") return;
    const text = this.#words.text(view, fresh);
    if (text) return client.tell(text);
    const trouble = this.#troubleIn(view);
    if (trouble !== "") client.warn(this.#words.troubleText(trouble));
  }

  #troubleIn({ view }: LiveView): string {
    return (view === "hosts" ? this.#hosts : this.#accounts).trouble;
  }

  #warn(text: string, concerned: (view: LiveView["view"]) => boolean): void {
    this.#words.forget();
    for (const client of this.#clients) {
      if (concerned(client.view.view)) client.warn(this.#words.troubleText(text));
    }
  }

  async #soon(settled: Promise<void>): Promise<void> {
    const waited = new AbortController();
    const signal = AbortSignal.any([waited.signal, this.#ended.signal]);
    // The sleep ends with the signal.
    const sleep = this.#options.clock.sleep(milliseconds(LONGEST_WAIT_MS), signal).catch(() => undefined);
    await Promise.race([settled, sleep]);
    waited.abort();
  }
}

export function maySee({ view }: LiveView, viewer: Viewer): boolean {
  return may(viewer, view === "hosts" ? "admin" : "read");
}

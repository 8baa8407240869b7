/** Hosts as they are captured, from the one watch on the capture that all viewers share. */
import type { Clock } from "../../../clock.ts";
import type { CaptureClient, WatchPart } from "../../../hosts/capture-client.ts";
import type { HostLine } from "../../../hosts/host-line.ts";
import type { MonotonicTime } from "../../../units.ts";
import type { HostEntry, LiveMessage } from "../wire.ts";
import { Follower } from "./follower.ts";

export interface HostsFeedOptions {
  readonly capture: Pick<CaptureClient, "watch">;
  readonly clock: Clock;
  readonly onFirst: () => void;
  readonly onTrouble: (text: string) => void;
}

type HostsMessage = Extract<LiveMessage, { type: "hosts" }>;

/** A screen or two. Who wants more asks for the list. */
const KEPT = 100;
const LINGER_MS = 15_000;

export class HostsFeed {
  readonly #options: HostsFeedOptions;
  readonly #follower: Follower<WatchPart>;
  /** The newest first. */
  #latest: HostEntry[] = [];
  #total = 0;
  #new: HostEntry[] = [];
  #gone: string[] = [];
  /** More changed than is told one by one. */
  #all = false;
  #wantedAt: MonotonicTime | undefined;

  constructor(options: HostsFeedOptions) {
    this.#options = options;
    this.#follower = new Follower({
      clock: options.clock,
      open: (signal) => options.capture.watch(signal),
      onPart: (part, first) => this.#take(part, first),
      onTrouble: options.onTrouble,
    });
  }

  get connected(): boolean {
    return this.#follower.heardAt !== undefined;
  }

  /** Why nothing is heard; "" otherwise. */
  get trouble(): string {
    return this.#follower.trouble;
  }

  get running(): boolean {
    return this.#follower.running;
  }

  /** Somebody wants to know, now and for some seconds on. */
  want(): void {
    this.#wantedAt = this.#options.clock.monotonic();
    this.#follower.start();
  }

  settled(): Promise<void> {
    return this.#follower.settled();
  }

  /** Once a second. */
  beat(): void {
    const wantedAt = this.#wantedAt;
    if (wantedAt !== undefined && this.#options.clock.monotonic() - wantedAt > LINGER_MS) this.stop();
  }

  stop(): void {
    this.#follower.stop();
    this.#wantedAt = undefined;
    this.#latest = [];
    this.forgetChanges();
  }

  latestHosts(at: number): HostsMessage {
    return { type: "hosts", at, full: true, total: this.#total, hosts: this.#latest, gone: [] };
  }

  /** Since the changes were forgotten last. */
  changedHosts(at: number): HostsMessage {
    if (this.#all) return this.latestHosts(at);
    return { type: "hosts", at, full: false, total: this.#total, hosts: this.#new, gone: this.#gone };
  }

  forgetChanges(): void {
    this.#new = [];
    this.#gone = [];
    this.#all = false;
  }

  #take({ total, hosts, gone }: WatchPart, first: boolean): void {
    this.#total = total;
    const left = new Set(gone);
    const fresh = hosts.map(entryOf).reverse();
    const kept = first || total === 0 ? [] : this.#latest.filter(({ host }) => !left.has(host));
    this.#latest = [...fresh, ...kept].slice(0, KEPT);
    this.#new = [...fresh, ...this.#new.filter(({ host }) => !left.has(host))];
    this.#gone.push(...gone);
    this.#all ||= first || total === 0 || this.#new.length > KEPT || this.#gone.length > KEPT;
    if (this.#all) [this.#new, this.#gone] = [[], []];
    if (first) this.#options.onFirst();
  }
}

function entryOf({ host, service, source, time }: HostLine): HostEntry {
  return { host, service, source, time };
}

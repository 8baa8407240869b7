/**
 * What the kernel tells of our tables: a quota that was used up, rules that went.
 *
 * A quota's event comes with the family of the packet that used it up, not of
 * the table, and again for changes of our own: it is known by table, name and
 * flag, and whoever hears of it looks for himself (facts: pitfalls, nftables).
 */
import { listenNetlink } from "./netlink-listener.ts";
import { attributesOf, decodeMessages } from "./netlink-messages.ts";
import { decodeQuota } from "./nft-messages.ts";

export interface TableEvents {
  /** A quota of this name is used up, as far as the kernel knew a moment ago. */
  readonly onDepleted: (quota: string) => void;
  /** The table, a chain or a rule of it was removed, by whomever. */
  readonly onRulesGone: () => void;
  /** Some events were missed. */
  readonly onLost: () => void;
}

const NETLINK_NETFILTER = 12;
/** NFNLGRP_NFTABLES (linux/netfilter/nfnetlink.h). */
const GROUP_NFTABLES = 7;
const SUBSYSTEM_NFTABLES = 10;
const DELTABLE = 2;
const DELCHAIN = 5;
const DELRULE = 8;
const NEWOBJ = 18;
const OBJECT_QUOTA = 2;
const FIXED_LENGTH = 4;
const ATTRIBUTE_TABLE = 1;
const ATTRIBUTE_TYPE = 3;
const REMOVALS: ReadonlySet<number> = new Set([DELTABLE, DELCHAIN, DELRULE]);

/** Watches several tables with one listener, which is a thread: it starts with the first and ends with the last. */
export class TableWatch {
  readonly #watched = new Map<string, TableEvents>();
  #listener: Promise<Disposable> | undefined;

  /** @throws {KernelUnavailableError} when the kernel's events cannot be listened to. */
  async watch(table: string, events: TableEvents): Promise<Disposable> {
    this.#watched.set(table, events);
    this.#listener ??= this.#listen();
    try {
      await this.#listener;
    } catch (error) {
      this.#forget(table);
      throw error;
    }
    return { [Symbol.dispose]: () => this.#forget(table) };
  }

  #listen(): Promise<Disposable> {
    return listenNetlink(
      { protocol: NETLINK_NETFILTER, groups: [GROUP_NFTABLES] },
      (datagram) => {
        for (const [table, events] of this.#watched) {
          const { depleted, gone } = decodeTableEvents(datagram, table);
          for (const quota of depleted) events.onDepleted(quota);
          if (gone) events.onRulesGone();
        }
      },
      () => {
        for (const { onLost } of this.#watched.values()) onLost();
      },
    );
  }

  #forget(table: string): void {
    this.#watched.delete(table);
    if (this.#watched.size > 0) return;
    void this.#listener?.then(
      (listener) => listener[Symbol.dispose](),
      () => undefined, // it never began
    );
    this.#listener = undefined;
  }
}

/** What a datagram says of this table. Pure. @throws {SyntaxError} unless it is whole messages. */
export function decodeTableEvents(
  datagram: Buffer,
  table: string,
): { readonly depleted: readonly string[]; readonly gone: boolean } {
  const depleted: string[] = [];
  let gone = false;
  for (const { type, payload } of decodeMessages(datagram)) {
    if (type >> 8 !== SUBSYSTEM_NFTABLES) continue;
    const kind = type & 0xff;
    if (kind !== NEWOBJ && !REMOVALS.has(kind)) continue;
    const attributes = attributesOf(payload.subarray(FIXED_LENGTH));
    if (attributes.get(ATTRIBUTE_TABLE)?.toString("latin1") !== `${table}\0`) continue;
    if (REMOVALS.has(kind)) gone = true;
    else if (attributes.get(ATTRIBUTE_TYPE)?.readUInt32BE() === OBJECT_QUOTA) {
      const quota = decodeQuota(payload);
      if (quota.depleted) depleted.push(quota.name);
    }
  }
  return { depleted, gone };
}

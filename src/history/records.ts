/**
 * What the history is told, in batches, by the thread that meters.
 *
 * Everything is a plain value, since it crosses to another thread. Batches are
 * numbered: one that was written is passed over the second time.
 *
 * Pure: types only.
 */

/** The batch a thread of its own writes in one transaction. */
export interface HistoryBatch {
  /** Grows by one with each batch, across restarts. */
  readonly sequence: number;
  readonly usage: readonly UsageRecord[];
  readonly logins: readonly LoginRecord[];
  /** Limits and usage of the accounts that changed. */
  readonly accounts: readonly AccountRecord[];
  /** The same bytes as in `usage`, by the second, while somebody watches. */
  readonly seconds: readonly SecondRecord[];
  readonly events: readonly PastEvent[];
}

/** A batch that has no number yet: whoever sends it gives it one. */
export type NewBatch = Omit<HistoryBatch, "sequence">;

/** What an account moved since the batch before. Uplink is from the user. */
export interface UsageRecord {
  readonly account: string;
  /** "xray", "ssh", "openvpn". */
  readonly service: string;
  /** Milliseconds since 1970: when it was booked. */
  readonly at: number;
  /** The local day it belongs to, "YYYY-MM-DD". */
  readonly day: string;
  /** Bytes. */
  readonly up: number;
  readonly down: number;
}

/** What an account moved in a second. */
export type SecondRecord = Omit<UsageRecord, "day">;

/** A login as it stands; the same one is told again as it grows and when it ends. */
export interface LoginRecord {
  /** Tells it from all others: its counter's name. */
  readonly id: string;
  readonly account: string;
  readonly service: string;
  /** "openvpn:server", "ssh". */
  readonly keeper: string;
  /** Milliseconds since 1970. */
  readonly began: number;
  /** Milliseconds since 1970; undefined while it lasts. */
  readonly ended: number | undefined;
  /** The client's own address, with its port where the server says it: "10.0.0.1:1194". */
  readonly realAddress: string;
  /** Addresses in the tunnel; "" without. */
  readonly address4: string;
  readonly address6: string;
  /** Bytes since it began. */
  readonly up: number;
  readonly down: number;
  /** The server's own last figures, and not those of our last look. */
  readonly exact: boolean;
}

/** A login that had not ended when the history was last told of it. */
export interface OpenLogin extends LoginRecord {
  /** Milliseconds since 1970: when that was. */
  readonly seen: number;
}

export interface AccountRecord {
  readonly account: string;
  /** Bytes; 0 is unlimited. */
  readonly totalLimit: number;
  readonly dailyLimit: number;
  /** Counted bytes of the period and the day. */
  readonly totalUsed: number;
  readonly dailyUsed: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Something that happened, as a line of events.jsonl has it. */
export interface PastEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: string;
  /** "" without. */
  readonly user: string;
  readonly text: string;
}

/** What one look at the connections found of one client address at one service. */
export interface SeenConnections {
  /** The client's own address, without a port; IPv4 never in its IPv6 form. */
  readonly address: string;
  /** "xray", "ssh", "openvpn". */
  readonly service: string;
  /** Connections that stand now. */
  readonly open: number;
  /** Connections that began since the look before. */
  readonly begun: number;
}

/** A client address as the history has it. */
export interface ClientAddress {
  readonly address: string;
  readonly service: string;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Connections that stood at the last look at all. */
  readonly open: number;
}

/** An hour, UTC. */
export interface ConnectionHour {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Different client addresses. */
  readonly addresses: number;
  /** Connections that stood at its beginning or began in it. */
  readonly connections: number;
}

/** All that one user's logins at one service come to. */
export interface LoginTotal {
  readonly account: string;
  readonly sessions: number;
  readonly durationMs: number;
  /** Bytes. */
  readonly up: number;
  readonly down: number;
  /** Milliseconds since 1970. */
  readonly lastSeen: number;
}

/**
 * nftables' messages, as far as our table needs them (linux/netfilter/nf_tables.h).
 *
 *   payload  = family(1)  version(1)=0  resource(2, network order)  attributes
 *   a batch  = BEGIN (resource 10)  any number of changes  END: all of it or nothing
 *   an object is named by table, name and type; its data is nested: bytes and
 *   packets of a counter; limit, flags and consumed bytes of a quota
 *   an element is a key and, in a map, a value, or the name of an object
 *
 *   a range of keys is two elements: its first, and behind its last one that ends it
 *
 * Numbers in attributes are in network order; keys and values of elements as
 * the packet path compares them: uids, marks and cgroup ids in the host's.
 *
 * Pure: no I/O, no state between calls.
 */
import { addressBytes } from "../addresses.ts";
import {
  attributesOf,
  encodeAttribute,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_REQUEST,
} from "./netlink-messages.ts";
import type { NftChange, NftKey, QuotaState } from "./nftables.ts";

const SUBSYSTEM = 10;
const NFPROTO_INET = 1;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const NLM_F_CREATE = 0x400;

const NEWSETELEM = 12;
const DELSETELEM = 14;
const NEWOBJ = 18;
const GETOBJ = 19;
const DELOBJ = 20;
const GETRULE = 7;

const OBJECT_COUNTER = 1;
const OBJECT_QUOTA = 2;
const QUOTA_INVERTED = 1;
const QUOTA_DEPLETED = 2;

const ELEMENT_INTERVAL_END = 1;

const FIXED_LENGTH = 4;
const INTERFACE_NAME_LENGTH = 16;
/** An attribute's length has 16 bits: elements of one set are told in messages of at most this many. */
const ELEMENTS_PER_MESSAGE = 500;

export const GET_OBJECTS = (SUBSYSTEM << 8) | GETOBJ;
export const GET_RULES = (SUBSYSTEM << 8) | GETRULE;

export function encodeCounters(table: string): Buffer {
  return payload(NFPROTO_INET, 0, text(1, table), number(3, OBJECT_COUNTER));
}

export function encodeQuotas(table: string, name?: string): Buffer {
  const which = name === undefined ? [] : [text(2, name)];
  return payload(NFPROTO_INET, 0, text(1, table), ...which, number(3, OBJECT_QUOTA));
}

export function encodeRules(table: string): Buffer {
  return payload(NFPROTO_INET, 0, text(1, table));
}

/** One message of a batch, and which of the changes it carries. */
export interface BatchMessage {
  readonly bytes: Buffer;
  readonly changes: readonly NftChange[];
}

/** The batch, from its BEGIN to its END; messages count up from `sequence`. Neighbouring elements of a set share one. */
export function encodeBatch(table: string, changes: readonly NftChange[], sequence: number): BatchMessage[] {
  let next = sequence;
  const message = (type: number, flags: number, body: Buffer, about: readonly NftChange[]): BatchMessage => ({
    bytes: encodeMessage(type, NLM_F_REQUEST | flags, next++ >>> 0, body),
    changes: about,
  });
  const frame = () => payload(0, SUBSYSTEM);
  return [
    message(BATCH_BEGIN, 0, frame(), []),
    ...grouped(changes).map((group) => {
      const [type, create, body] = bodyOf(table, group);
      return message((SUBSYSTEM << 8) | type, create | NLM_F_ACK, body, group);
    }),
    message(BATCH_END, 0, frame(), []),
  ];
}

/** A quota's name and state. @throws {SyntaxError} when it is none. */
export function decodeQuota(body: Buffer): { readonly table: string; readonly name: string } & QuotaState {
  const attributes = attributesOf(body.subarray(FIXED_LENGTH));
  const data = attributesOf(attributes.get(4) ?? Buffer.alloc(0));
  const [limit, flags, used] = [data.get(1), data.get(2), data.get(4)];
  if (!limit || !flags || !used)
    throw new SyntaxError("Cannot decode a quota: expected limit, flags and consumed bytes");
  return {
    table: textOf(attributes.get(1)),
    name: textOf(attributes.get(2)),
    limit: Number(limit.readBigUInt64BE()),
    used: Number(used.readBigUInt64BE()),
    depleted: (flags.readUInt32BE() & QUOTA_DEPLETED) !== 0,
  };
}

function bodyOf(table: string, group: readonly NftChange[]): [type: number, flags: number, body: Buffer] {
  const [change] = group as [NftChange];
  switch (change.kind) {
    case "add-counter":
      return [NEWOBJ, NLM_F_CREATE, object(table, change.name, OBJECT_COUNTER, [wide(1, 0), wide(2, 0)])];
    case "add-quota":
      return [
        NEWOBJ,
        NLM_F_CREATE,
        object(table, change.name, OBJECT_QUOTA, quota(change.limit, change.used)),
      ];
    case "set-quota":
      return [NEWOBJ, 0, object(table, change.name, OBJECT_QUOTA, quota(change.limit, 0))];
    case "delete-counter":
      return [DELOBJ, 0, object(table, change.name, OBJECT_COUNTER)];
    case "delete-quota":
      return [DELOBJ, 0, object(table, change.name, OBJECT_QUOTA)];
    case "add-element":
      return [NEWSETELEM, NLM_F_CREATE, elements(table, change.set, group)];
    case "delete-element":
      return [DELSETELEM, 0, elements(table, change.set, group)];
    case "flush-set":
      return [DELSETELEM, 0, payload(NFPROTO_INET, 0, text(1, table), text(2, change.set))];
  }
}

function grouped(changes: readonly NftChange[]): NftChange[][] {
  const groups: NftChange[][] = [];
  for (const change of changes) {
    const [first] = groups.at(-1) ?? [];
    const joins =
      first !== undefined &&
      "key" in first &&
      "key" in change &&
      first.kind === change.kind &&
      first.set === change.set &&
      (groups.at(-1)?.length ?? 0) < ELEMENTS_PER_MESSAGE;
    if (joins) groups.at(-1)?.push(change);
    else groups.push([change]);
  }
  return groups;
}

function object(table: string, name: string, type: number, data?: readonly Buffer[]): Buffer {
  const nested = data ? [encodeAttribute(4, Buffer.concat(data), true)] : [];
  return payload(NFPROTO_INET, 0, text(1, table), text(2, name), number(3, type), ...nested);
}

function quota(limit: number, used: number): Buffer[] {
  return [wide(1, limit), number(2, QUOTA_INVERTED), wide(4, used)];
}

function elements(table: string, set: string, group: readonly NftChange[]): Buffer {
  const list = group.flatMap(elementsOf).map((each) => encodeAttribute(1, each, true));
  return payload(
    NFPROTO_INET,
    0,
    text(1, table),
    text(2, set),
    encodeAttribute(3, Buffer.concat(list), true),
  );
}

function elementsOf(change: NftChange): Buffer[] {
  if (!("key" in change)) return [];
  const { key } = change;
  const bytes = keyBytes(key);
  const value = change.kind === "add-element" ? valueOf(change) : Buffer.alloc(0);
  const first = Buffer.concat([encodeAttribute(1, encodeAttribute(1, bytes), true), value]);
  const end = "range" in key ? following(addressBytes(key.range[1])) : undefined;
  if (!end) return [first];
  const flags = number(3, ELEMENT_INTERVAL_END);
  return [first, Buffer.concat([encodeAttribute(1, encodeAttribute(1, end), true), flags])];
}

function valueOf({ value }: Extract<NftChange, { kind: "add-element" }>): Buffer {
  if (!value) return Buffer.alloc(0);
  if ("mark" in value) return encodeAttribute(2, encodeAttribute(1, hostNumber(value.mark)), true);
  return text(9, "counter" in value ? value.counter : value.quota);
}

function keyBytes(key: NftKey): Buffer {
  if ("uid" in key) return hostNumber(key.uid);
  if ("mark" in key) return hostNumber(key.mark);
  if ("address" in key) return addressBytes(key.address);
  if ("range" in key) return addressBytes(key.range[0]);
  if ("device" in key) {
    const name = Buffer.alloc(INTERFACE_NAME_LENGTH);
    name.write(key.device, 0, INTERFACE_NAME_LENGTH - 1, "latin1");
    return name;
  }
  const id = Buffer.alloc(8);
  id.writeBigUInt64LE(key.cgroup.id);
  return id;
}

/** The address behind this one; undefined behind the last there is, where a range needs no end. */
function following(address: Buffer): Buffer | undefined {
  const next = Buffer.from(address);
  for (let at = next.length - 1; at >= 0; at -= 1) {
    const byte = next[at] ?? 0;
    next[at] = (byte + 1) & 0xff;
    if (byte < 0xff) return next;
  }
  return undefined;
}

function hostNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function payload(family: number, resource: number, ...attributes: readonly Buffer[]): Buffer {
  const fixed = Buffer.alloc(FIXED_LENGTH);
  fixed.writeUInt8(family, 0);
  fixed.writeUInt16BE(resource, 2);
  return Buffer.concat([fixed, ...attributes]);
}

function text(type: number, value: string): Buffer {
  return encodeAttribute(type, Buffer.from(`${value}\0`, "latin1"));
}

function number(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return encodeAttribute(type, bytes);
}

function wide(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return encodeAttribute(type, bytes);
}

function textOf(bytes: Buffer | undefined): string {
  return bytes?.subarray(0, -1).toString("latin1") ?? "";
}

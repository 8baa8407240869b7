/**
 * Our table over netlink: a dump without a process, a change in microseconds.
 *
 * A dump is walked where it was received, counter by counter, since it is what
 * the daemon does all day: a thousand accounts are two thousand of them. That
 * another program changed some table meanwhile (NLM_F_DUMP_INTR) says nothing
 * here: each counter is a good reading by itself.
 */
import { constants } from "node:os";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { SystemCallError } from "./libc.ts";
import { openNetlink } from "./netlink.ts";
import {
  decodeQuota,
  encodeBatch,
  encodeCounters,
  encodeQuotas,
  encodeRules,
  GET_OBJECTS,
  GET_RULES,
} from "./nft-messages.ts";
import type { CounterVisitor, NftChange, NftTable, QuotaState } from "./nftables.ts";

const NETLINK_NETFILTER = 12;
/** Somebody else's commit came in between (EAGAIN, or ERESTART from old kernels): tried again this often. */
const TRIES = 5;
const ERESTART = 85;
const { EAGAIN, EINTR, ENOENT } = constants.errno;

const FIXED_LENGTH = 4;
const ATTRIBUTE_NAME = 2;
const ATTRIBUTE_DATA = 4;
const COUNTER_BYTES = 1;
const COUNTER_PACKETS = 2;
const HIGHEST_WORD = 2 ** 21;

/** Everything but `load()`, which takes nft's own language. @throws {KernelUnavailableError} */
export function openNetlinkTable(table: string): Omit<NftTable, "load"> {
  const netlink = openNetlink(NETLINK_NETFILTER);
  const counters = { type: GET_OBJECTS, dump: true, payload: encodeCounters(table) };
  try {
    netlink.request(counters);
  } catch (cause) {
    netlink[Symbol.dispose]();
    throw new KernelUnavailableError(
      `Cannot ask the kernel about nftables: it needs CONFIG_NF_TABLES (module nf_tables) and CAP_NET_ADMIN: ${reasonOf(cause)}`,
      { cause },
    );
  }
  const readCounter = counterReader();
  const quotas = (name?: string) =>
    netlink.request({ type: GET_OBJECTS, dump: name === undefined, payload: encodeQuotas(table, name) });
  return {
    apply: async (changes) => {
      if (changes.length > 0) commit(changes);
    },
    readCounters: async (visit) =>
      netlink.walk(counters, (buffer, start, end) => readCounter(buffer, start, end, visit)),
    readQuota: async (name) => {
      try {
        const [message] = quotas(name);
        return message && decodeQuota(message.payload);
      } catch (error) {
        if (error instanceof SystemCallError && error.errno === ENOENT) return undefined;
        throw error;
      }
    },
    readQuotas: async () =>
      new Map(
        quotas().map(({ payload }): [string, QuotaState] => {
          const { name, ...state } = decodeQuota(payload);
          return [name, state];
        }),
      ),
    countRules: async () => {
      let rules = 0;
      netlink.walk({ type: GET_RULES, dump: true, payload: encodeRules(table) }, () => {
        rules += 1;
      });
      return rules;
    },
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };

  function commit(changes: readonly NftChange[]): void {
    for (let attempt = 1; ; attempt += 1) {
      const count = encodeBatch(table, changes, 0).length;
      const first = netlink.sequence(count);
      const messages = encodeBatch(table, changes, first);
      const answers = netlink.exchange(
        messages.map(({ bytes }) => bytes),
        count - 2,
      );
      const [refused] = [...answers].filter(([, errno]) => errno !== 0);
      if (!refused) return;
      const [sequence, errno] = refused;
      if ([EAGAIN, EINTR, ERESTART].includes(errno) && attempt < TRIES) continue;
      const [change] = messages[sequence - first]?.changes ?? [];
      const what = change ? `${change.kind} ${"name" in change ? change.name : change.set}` : "the batch";
      throw new SystemCallError(`Cannot change table inet ${table}: ${what}`, errno);
    }
  }
}

/**
 * Where a counter's name and bytes stand in its message. The kernel writes one
 * like the other, so what was found in one is looked for at the same place in
 * the next: three comparisons instead of a walk.
 */
interface Layout {
  readonly size: number;
  /** Each a place in the message and the attribute's header there: length and type. */
  readonly name: readonly [at: number, header: number];
  readonly data: readonly [at: number, header: number];
  readonly bytes: readonly [at: number, header: number];
  readonly packets: readonly [at: number, header: number];
}

function counterReader(): (buffer: Buffer, start: number, end: number, visit: CounterVisitor) => void {
  let layout: Layout | undefined;
  return (buffer, start, end, visit) => {
    if (!layout || !fits(layout, buffer, start, end)) layout = layoutOf(buffer, start, end);
    const [nameAt, nameHeader] = layout.name;
    const nameStart = start + nameAt + 4;
    // Its length counts the header and the zero at its end.
    const nameEnd = start + nameAt + (nameHeader & 0xffff) - 1;
    const bytes = wholeAt(buffer, start + layout.bytes[0] + 4);
    visit(buffer, nameStart, nameEnd, bytes, wholeAt(buffer, start + layout.packets[0] + 4));
  };
}

/** @throws {RangeError} above 2^53 - 1. */
function wholeAt(buffer: Buffer, at: number): number {
  const high = buffer.readUInt32BE(at);
  if (high >= HIGHEST_WORD) throw new RangeError("Cannot use a counter: it passed 2^53");
  return high * 2 ** 32 + buffer.readUInt32BE(at + 4);
}

function fits(
  { size, name, data, bytes, packets }: Layout,
  buffer: Buffer,
  start: number,
  end: number,
): boolean {
  return (
    end - start === size &&
    buffer.readUInt32LE(start + name[0]) === name[1] &&
    buffer.readUInt32LE(start + data[0]) === data[1] &&
    buffer.readUInt32LE(start + bytes[0]) === bytes[1] &&
    buffer.readUInt32LE(start + packets[0]) === packets[1]
  );
}

/** @throws {SyntaxError} when the message is no counter's. */
function layoutOf(buffer: Buffer, start: number, end: number): Layout {
  const find = (from: number, to: number, type: number): readonly [number, number] => {
    for (let at = from; at + 4 <= to; ) {
      const header = buffer.readUInt32LE(at);
      const length = header & 0xffff;
      if (length < 4 || at + length > to) break;
      if (((header >>> 16) & 0x3fff) === type) return [at - start, header];
      at += (length + 3) & ~3;
    }
    throw new SyntaxError("Cannot decode a counter: expected a name and its bytes");
  };
  const name = find(start + FIXED_LENGTH, end, ATTRIBUTE_NAME);
  const data = find(start + FIXED_LENGTH, end, ATTRIBUTE_DATA);
  const inside = start + data[0];
  const inData = (type: number) => find(inside + 4, inside + (data[1] & 0xffff), type);
  return { size: end - start, name, data, bytes: inData(COUNTER_BYTES), packets: inData(COUNTER_PACKETS) };
}

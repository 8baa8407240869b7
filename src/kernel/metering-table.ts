/**
 * One of our tables in the kernel: a counter pair and a gate for each account.
 *
 * A quota is made together with the counters it watches and stands where they
 * stand, so its limit is simply the reading at which it must shut: no look-up,
 * no difference, nothing that could pass in between. Only a gate that was shut
 * went on consuming what it dropped; it is made anew when it opens.
 *
 * The table may be flushed by others at any time. `look()` says so; whoever
 * keeps the accounts calls `build()` again, which begins a new epoch.
 */
import { randomBytes } from "node:crypto";
import { codeOf, reasonOf } from "../errors.ts";
import type { CountRule } from "../rules.ts";
import { type Bytes, bytes, NO_TRAFFIC, type Traffic } from "../units.ts";
import { marksOf, numberOf, numberOfQuota, quotaName } from "./account-marks.ts";
import {
  FOREIGN_MARKS,
  type GatedSlot,
  LAYOUT,
  NO_TRACKING,
  ownerElements,
  quotaReplacement,
  type Slot,
  slotChanges,
  slotRemoval,
  type TableForm,
  tableScript,
} from "./metering-script.ts";
import type { NftTable, QuotaState } from "./nftables.ts";

/** A gate that never shuts. */
export const OPEN = bytes(Number.MAX_SAFE_INTEGER);
/** A gate that lets nothing pass. */
export const SHUT = bytes(0);

export interface TableOptions {
  readonly form: TableForm;
  /** Which direction gates measure; undefined: count only. */
  readonly gated: CountRule | undefined;
  /** How deep the cgroups lie that `claimCgroup()` names; undefined for a table without. */
  readonly cgroupLevel: number | undefined;
}

/** One account as the kernel counts it. Cumulative since the table's epoch began. */
export interface SlotReading {
  /** The account's number. */
  readonly number: number;
  readonly uplink: number;
  readonly downlink: number;
}

/** What passed so far, headers in, and in how many packets: one that the network card or the kernel put together is one. */
export interface Passed extends Traffic {
  readonly downlinkPackets: number;
}

export interface WantedSlot extends Slot {
  /**
   * Counted bytes, as the counters of epoch `epoch` read, at which the gate
   * shuts. They stand at `passed`, and a gate that is there shuts at `standing`.
   */
  limit(epoch: string, passed: Traffic, standing: Bytes | undefined): Bytes;
}

interface Cell {
  slot: Slot;
  limit: Bytes;
  uplink: number;
  downlink: number;
  downlinkPackets: number;
}

/** A counter in the order of the dump: its name's letter, and the digits behind it as two words to compare. */
interface Place {
  readonly cell: Cell | undefined;
  readonly direction: "uplink" | "downlink";
  readonly letter: number;
  readonly high: number;
  readonly low: number;
}

export const NOTHING_PASSED: Passed = { ...NO_TRAFFIC, downlinkPackets: 0 };

const EPOCH = "epoch-";
const [LETTER_UPLINK, LETTER_DOWNLINK] = [0x75, 0x64];
/** A letter and the mark in eight hex digits. */
const COUNTER_NAME_LENGTH = 9;

export class MeteringTable {
  readonly #nft: NftTable;
  readonly #options: TableOptions;
  readonly #cells = new Map<number, Cell>();
  readonly #moved = new Set<Cell>();
  #places: Place[] = [];
  #epoch: string | undefined;
  #rules = 0;
  #cgroups: boolean;
  /** Bytes of metered logins that no account was booked: by somebody else's mark, and for want of tracking. */
  foreignMarks = 0;
  noTracking = 0;
  /** Calls follow each other: a build may not overtake a removal. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(nft: NftTable, options: TableOptions) {
    this.#nft = nft;
    this.#options = options;
    this.#cgroups = options.cgroupLevel !== undefined;
  }

  /** This life of the table; undefined while there is none. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** False where kernel or nft know no `socket cgroupv2` (5.13, 0.9.9): told by the first build. */
  get knowsCgroups(): boolean {
    return this.#cgroups;
  }

  has(number: number): boolean {
    return this.#cells.has(number);
  }

  get slots(): Iterable<Slot> {
    return this.#cells.values().map(({ slot }) => slot);
  }

  /** The reading at which this gate shuts; undefined without such a slot. */
  limitOf(number: number): Bytes | undefined {
    return this.#cells.get(number)?.limit;
  }

  /** As of the last look, and good until the next; zeros without such a slot. */
  passedOf(number: number): Passed {
    return (this.#cells.get(number) as Passed | undefined) ?? NOTHING_PASSED;
  }

  /**
   * Reads all counters at once. A counter that is missing says nothing.
   *
   * @returns the slots whose counters changed since the last look, or undefined
   * when the table is gone, is another's make, or lost rules.
   */
  look(): Promise<readonly SlotReading[] | undefined> {
    return this.#next(async () => {
      if (!(await this.#read())) return undefined;
      const moved = [...this.#moved].map(({ slot, uplink, downlink }) => ({
        number: slot.number,
        uplink,
        downlink,
      }));
      this.#moved.clear();
      return moved;
    });
  }

  /** Whether chains and rules are as `build()` left them: a `flush table` leaves counters that count nothing. */
  intact(): Promise<boolean> {
    return this.#next(
      async () => this.#epoch !== undefined && (await this.#nft.countRules()) === this.#rules,
    );
  }

  /** Makes the next look answer with every slot. */
  forget(): void {
    for (const cell of this.#cells.values()) this.#moved.add(cell);
  }

  /**
   * Makes the table hold exactly these slots, in one transaction: a table that
   * is there goes on counting, and its gates with it.
   */
  build(wanted: readonly WantedSlot[]): Promise<void> {
    return this.#next(() => this.#build(wanted));
  }

  add(slot: Slot, limit: Bytes): Promise<void> {
    return this.#next(async () => {
      const { form, gated } = this.#options;
      await this.#nft.apply(slotChanges(form, { ...slot, limit, used: 0, keep: false }, gated));
      this.#cells.set(slot.number, { slot, limit, uplink: 0, downlink: 0, downlinkPackets: 0 });
      this.#places = [];
    });
  }

  /** Takes a slot out, with its counters: read them first. Nothing when it is not there. */
  remove(number: number): Promise<void> {
    return this.#next(async () => {
      const cell = this.#cells.get(number);
      if (!cell) return;
      await this.#nft.apply(slotRemoval(this.#options.form, cell.slot, this.#options.gated));
      this.#cells.delete(number);
      this.#places = [];
      this.#moved.delete(cell);
    });
  }

  /** Gives the slot another uid; its counters go on. */
  setUid(number: number, uid: number): Promise<void> {
    return this.#next(async () => {
      const cell = this.#cells.get(number);
      if (!cell || cell.slot.uid === uid) return;
      const marks = marksOf(number, this.#options.form.service);
      const before = cell.slot.uid === undefined ? [] : ownerElements(cell.slot.uid, marks);
      await this.#nft.apply([
        ...before.map(({ set, key }) => ({ kind: "delete-element", set, key }) as const),
        ...ownerElements(uid, marks),
      ]);
      cell.slot = { number, uid };
    });
  }

  /** Moves a gate in place: what passes meanwhile is consumed all the same. Not for one that was shut. */
  setLimit(number: number, limit: Bytes): Promise<void> {
    return this.#next(async () => {
      const cell = this.#cells.get(number);
      if (!cell || cell.limit === limit || this.#options.gated === undefined) return;
      await this.#nft.apply([{ kind: "set-quota", name: quotaName(number), limit }]);
      cell.limit = limit;
    });
  }

  /**
   * Moves a gate as `setLimit` does, unless it shut by itself meanwhile: opened
   * again in place, it would let pass what comes behind the packets it dropped.
   *
   * @returns whether it was found shut, and left so.
   */
  advance(number: number, limit: Bytes): Promise<boolean> {
    return this.#next(async () => {
      const cell = this.#cells.get(number);
      if (!cell || cell.limit === limit || this.#options.gated === undefined) return false;
      if ((await this.#nft.readQuota(quotaName(number)))?.depleted) return true;
      await this.#nft.apply([{ kind: "set-quota", name: quotaName(number), limit }]);
      cell.limit = limit;
      return false;
    });
  }

  /** Opens a gate that was shut. Its quota begins where its counters stand, which nothing moves while it is shut. */
  reopen(number: number, limit: Bytes): Promise<void> {
    return this.#next(async () => {
      const cell = this.#cells.get(number);
      const { form, gated } = this.#options;
      if (!cell || gated === undefined) return;
      if (!(await this.#read())) return; // the next build opens it
      const used = consumedBy(cell, gated, limit);
      await this.#nft.apply(quotaReplacement(form, { ...cell.slot, limit, used, keep: false }, gated));
      cell.limit = limit;
    });
  }

  /** The state of one gate; undefined when there is none. */
  gateOf(number: number): Promise<QuotaState | undefined> {
    return this.#next(() => this.#nft.readQuota(quotaName(number)));
  }

  /** Maps a cgroup's flows to the account from now on. */
  claimCgroup(cgroup: { readonly id: bigint; readonly path: string }, number: number): Promise<void> {
    const { forward, reverse } = marksOf(number, this.#options.form.service);
    return this.#next(() =>
      this.#nft.apply([
        { kind: "add-element", set: "mark_of_cgroup", key: { cgroup }, value: { mark: forward } },
        { kind: "add-element", set: "reverse_mark_of_cgroup", key: { cgroup }, value: { mark: reverse } },
      ]),
    );
  }

  /** Nothing where it is not mapped: one that an earlier process mapped is not known to be. */
  releaseCgroup(cgroup: { readonly id: bigint; readonly path: string }): Promise<void> {
    const sets = ["mark_of_cgroup", "reverse_mark_of_cgroup"];
    return this.#next(() =>
      this.#nft
        .apply(sets.map((set) => ({ kind: "delete-element" as const, set, key: { cgroup } })))
        .catch((error: unknown) => {
          if (!isMissing(error)) throw error;
        }),
    );
  }

  /** Takes the whole table away: nothing is counted or gated any more. */
  drop(): Promise<void> {
    return this.#next(async () => {
      await this.#nft.load(this.#removal());
      this.#epoch = undefined;
      this.#cells.clear();
      this.#places = [];
      this.#moved.clear();
    });
  }

  /** Takes in all counters; what moved is kept for the next look. @returns false when the table is gone. */
  async #read(): Promise<boolean> {
    let epoch: string | undefined;
    let layout = false;
    let place = 0;
    await this.#nft.readCounters((buffer, start, end, count, packets) => {
      const letter = buffer[start];
      if (end - start === COUNTER_NAME_LENGTH && (letter === LETTER_UPLINK || letter === LETTER_DOWNLINK)) {
        const { cell, direction } = this.#placed(buffer, start, letter, place++);
        if (!cell) return;
        if (direction === "downlink") cell.downlinkPackets = packets;
        if (cell[direction] === count) return;
        cell[direction] = count;
        this.#moved.add(cell);
        return;
      }
      const name = buffer.toString("latin1", start, end);
      if (name.startsWith(EPOCH)) epoch = name;
      else if (name === LAYOUT) layout = true;
      else if (name === FOREIGN_MARKS) this.foreignMarks = count;
      else if (name === NO_TRACKING) this.noTracking = count;
    });
    if (epoch === undefined || !layout || epoch !== this.#epoch) {
      this.#epoch = undefined;
      return false;
    }
    return true;
  }

  /** Whose counter stands at this place of the dump, which is the same from look to look until logins change. */
  #placed(buffer: Buffer, start: number, letter: number, place: number): Place {
    const high = buffer.readUInt32LE(start + 1);
    const low = buffer.readUInt32LE(start + 5);
    const known = this.#places[place];
    if (known && known.low === low && known.high === high && known.letter === letter) return known;
    const found: Place = {
      cell: this.#cells.get(numberOf(hexAt(buffer, start + 1))),
      direction: letter === LETTER_UPLINK ? "uplink" : "downlink",
      ...{ letter, high, low },
    };
    this.#places[place] = found;
    return found;
  }

  async #build(wanted: readonly WantedSlot[]): Promise<void> {
    const { form, gated } = this.#options;
    const found = await this.#found();
    const epoch = found.epoch ?? `${EPOCH}${randomBytes(8).toString("hex")}`;
    const slots = wanted.map((each): GatedSlot => {
      const reading = found.readings.get(each.number) ?? NO_TRAFFIC;
      const quota = found.quotas.get(quotaName(each.number));
      const limit = each.limit(epoch, reading as Traffic, quota && bytes(quota.limit));
      return {
        number: each.number,
        uid: each.uid,
        limit,
        used: gated === undefined ? 0 : consumedBy(reading, gated, limit),
        // One that is used up consumed what it dropped as well.
        keep: quota !== undefined && !quota.depleted,
      };
    });
    const numbers = new Set(wanted.map(({ number }) => number));
    const gone = found.objects.filter(({ number }) => !numbers.has(number));
    const fresh = found.epoch === undefined ? this.#removal() : "";
    await this.#load(
      (cgroupLevel) => `${fresh}${tableScript({ form, epoch, gated, cgroupLevel }, slots, gone)}`,
    );
    this.#epoch = epoch;
    this.#rules = await this.#nft.countRules();
    this.#cells.clear();
    this.#places = [];
    this.#moved.clear();
    for (const { number, uid, limit } of slots) {
      const reading = found.readings.get(number) ?? { uplink: 0, downlink: 0 };
      const cell: Cell = { slot: { number, uid }, limit: bytes(limit), ...reading, downlinkPackets: 0 };
      this.#cells.set(number, cell);
      this.#moved.add(cell);
    }
  }

  /** Without the rules for cgroups where those with them are refused. */
  async #load(script: (cgroupLevel: number | undefined) => string): Promise<void> {
    if (this.#cgroups) {
      try {
        return await this.#nft.load(script(this.#options.cgroupLevel));
      } catch {
        // The same without tells whether it was those.
      }
    }
    await this.#nft.load(script(undefined));
    this.#cgroups = false;
  }

  /** What is in the table now; nothing of use if it is not ours as we make it today. */
  async #found(): Promise<Found> {
    const readings = new Map<number, { uplink: number; downlink: number }>();
    const objects: { kind: "counter" | "quota"; name: string; number: number }[] = [];
    let epoch: string | undefined;
    let layout = false;
    await this.#nft.readCounters((buffer, start, end, count) => {
      const name = buffer.toString("latin1", start, end);
      if (name.startsWith(EPOCH)) epoch = name;
      if (name === LAYOUT) layout = true;
      if (!/^[ud][0-9a-f]{8}$/.test(name)) return;
      const number = numberOf(Number.parseInt(name.slice(1), 16));
      const reading = readings.get(number) ?? { uplink: 0, downlink: 0 };
      reading[name.startsWith("u") ? "uplink" : "downlink"] = count;
      readings.set(number, reading);
      objects.push({ kind: "counter", name, number });
    });
    if (!layout || epoch === undefined) return NOTHING_FOUND;
    const quotas = await this.#nft.readQuotas();
    for (const name of quotas.keys()) {
      const number = numberOfQuota(name);
      if (number !== undefined) objects.push({ kind: "quota", name, number });
    }
    return { epoch, readings, quotas, objects };
  }

  /** Good whether the table is there or not. */
  #removal(): string {
    const { name } = this.#options.form;
    return `add table inet ${name}\ndelete table inet ${name}\n`;
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined); // each caller hears of its own failure
    return result;
  }
}

interface Found {
  readonly epoch: string | undefined;
  readonly readings: ReadonlyMap<number, { readonly uplink: number; readonly downlink: number }>;
  readonly quotas: ReadonlyMap<string, QuotaState>;
  readonly objects: readonly {
    readonly kind: "counter" | "quota";
    readonly name: string;
    readonly number: number;
  }[];
}

const NOTHING_FOUND: Found = { epoch: undefined, readings: new Map(), quotas: new Map(), objects: [] };

/** Where a quota begins: the kernel refuses one that has consumed more than its limit. */
function consumedBy(
  { uplink, downlink }: { readonly uplink: number; readonly downlink: number },
  count: CountRule,
  limit: number,
): number {
  const counted = { both: uplink + downlink, uplink, downlink }[count];
  return Math.min(counted, limit);
}

/** Eight hex digits as a number, read in place: 2,000 of them a look. */
function hexAt(buffer: Buffer, start: number): number {
  let value = 0;
  for (let index = start; index < start + 8; index += 1) {
    const digit = buffer[index] ?? 0;
    value = value * 16 + (digit < 0x3a ? digit - 0x30 : digit - 0x57);
  }
  return value;
}

/** ENOENT, by netlink or in nft's words. */
function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || reasonOf(error).includes("No such file or directory");
}

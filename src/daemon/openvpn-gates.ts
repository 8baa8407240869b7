/**
 * The kernel's gates of OpenVPN users: our table for tunnel addresses.
 *
 * The server's figure is booked, the kernel's stops. The server counts what its
 * link carries, some 2 to 6 % more than the kernel sees inside of the tunnel. So
 * at each look the gates' own figures are read first and the server's after
 * them, and each gate is moved to what it had let pass by then and what the
 * books leave. It may shut a little early, never late; when it shuts by itself
 * the server is asked again, and what is left is let through.
 */
import type { Clock } from "../clock.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { numberOfQuota } from "../kernel/account-marks.ts";
import type { TableWatch } from "../kernel/nft-events.ts";
import { openTunnelGates, type TunnelGate, type TunnelGates } from "../kernel/tunnel-gates.ts";
import { TUNNEL_TABLE } from "../kernel/tunnel-script.ts";
import { countedOf } from "../ledger/usage.ts";
import type { KeeperName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import { type UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { Standing } from "./openvpn-notes.ts";
import type { Saver } from "./saver.ts";

export interface OpenvpnGatesOptions {
  readonly books: Books;
  readonly saver: Saver;
  readonly clock: Clock;
  readonly count: CountRule;
  /** Where the kernel's word of our table is heard. */
  readonly tables: TableWatch;
  /** Reads and books the logins of this account, wherever he has any. */
  readonly look: (entry: Entry) => Promise<void>;
  /** His gate was used up, `NOTHING_LEFT` short of his limit at most. */
  readonly onDepleted: (entry: Entry, at: UnixTime) => void;
  /** Another program had flushed our rules: they stand again. */
  readonly onRestored: () => void;
}

/** One server's word on where an account is. */
export interface Whereabouts {
  readonly entry: Entry;
  /** Tunnel addresses, and networks behind them. */
  readonly addresses: readonly string[];
}

/** Less than a packet that the kernel put together; a limit is reached but for so much. */
const NOTHING_LEFT = 128 << 10;
/** Within this of its limit a gate is moved at every look. */
const NEAR = 64 << 20;
/** So much must have passed before a gate is told from one that traffic does not meet. */
const TELLING = 4 << 20;
/** Small packets are nearly twice as long on the link as inside; beyond this, traffic goes another way. */
const LARGEST_RATIO = 4;

interface Cell {
  readonly entry: Entry;
  readonly number: number;
  addresses: readonly string[];
  /** As the last `note()` saw it, since the gate was made or made anew. */
  used: number;
  limit: number;
  depleted: boolean;
  moving: boolean;
  /** What earlier makes of the gate let pass. */
  usedBefore: number;
  /** Grows each time the gate is made anew: what was worked out before is void. */
  make: number;
  /** What the server had counted when the gate was made. */
  readonly countedAtFirst: number;
}

export class OpenvpnGates implements AsyncDisposable {
  readonly #options: OpenvpnGatesOptions;
  #table: TunnelGates | undefined;
  readonly #open = new AsyncDisposableStack();
  #standby: string | undefined = "not started";
  #trouble: string | undefined;
  readonly #places = new Map<KeeperName, readonly Whereabouts[]>();
  /** Who has an address anywhere. */
  #present: ReadonlySet<Entry> = new Set();
  readonly #cells = new Map<number, Cell>();
  /** The kernel refused the last change. */
  #unlaid = false;
  readonly #settling = new Set<number>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: OpenvpnGatesOptions) {
    this.#options = options;
  }

  /** Why there are no gates; undefined while there are. */
  get standby(): string | undefined {
    return this.#standby;
  }

  notes(): readonly string[] {
    return this.#trouble === undefined ? [] : [this.#trouble];
  }

  async start(): Promise<void> {
    try {
      this.#table = this.#open.use(await openTunnelGates({ count: this.#options.count }));
      this.#standby = undefined;
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      this.#standby = error.message;
      return;
    }
    try {
      this.#open.use(
        await this.#options.tables.watch(TUNNEL_TABLE, {
          onDepleted: (quota) => {
            const number = numberOfQuota(quota);
            if (number !== undefined) this.#heard(number);
          },
          onRulesGone: () => void this.upkeep().catch((error: unknown) => this.#failed(error)),
          onLost: () => undefined, // each look finds what was missed
        }),
      );
    } catch (error) {
      this.#trouble = `the kernel's events cannot be heard (${reasonOf(error)}): limits show at the next look instead of at once`;
    }
  }

  /** What the gates let pass so far: asked right before a server is. */
  async note(): Promise<void> {
    if (this.#cells.size === 0) return;
    await this.#next((table) => this.#note(table));
    // The kernel's own word may have been lost, or have come while the server did not answer.
    for (const { depleted, entry, number } of this.#cells.values()) {
      if (depleted && entry.verdict.kind === "allow") this.#heard(number);
    }
  }

  /** A server's look: who is where; the same list where nothing has changed. Resolves when the kernel knows. */
  async follow(keeper: KeeperName, places: readonly Whereabouts[]): Promise<void> {
    if (this.#places.get(keeper) === places) return;
    this.#places.set(keeper, places);
    this.#present = new Set([...this.#places.values()].flat().map(({ entry }) => entry));
    await this.#lay();
  }

  /** Moves the account's gate to what his limits leave. */
  arm(entry: Entry): void {
    const { verdict } = entry;
    const cell = this.#cellOf(entry);
    const wanted = this.#present.has(entry) && (verdict.kind === "deny" || verdict.remaining !== undefined);
    if (wanted !== (cell !== undefined)) {
      void this.#lay();
      return;
    }
    if (!cell || verdict.kind === "deny" || verdict.remaining === undefined) return;
    if (cell.depleted) return this.#heard(cell.number);
    const limit = cell.used + verdict.remaining;
    const far = verdict.remaining > NEAR && Math.abs(limit - cell.limit) < NEAR / 2;
    if (limit === cell.limit || far) return;
    cell.limit = limit;
    const { make } = cell;
    void this.#next(async (table) => {
      if (cell.make === make && (await table.move(cell.number, limit))) this.#heard(cell.number);
    });
  }

  /** Nothing of his passes from now on, whatever address he gets. */
  async shut(entry: Entry): Promise<void> {
    await this.#lay();
    const cell = this.#cellOf(entry);
    if (cell && cell.limit > 0) await this.#renew(cell, 0);
  }

  /** Opens it as far as his limits allow. */
  async open(entry: Entry): Promise<void> {
    if (entry.verdict.kind === "deny") return;
    const cell = this.#cellOf(entry);
    if (cell && entry.verdict.remaining !== undefined) await this.#renew(cell, entry.verdict.remaining);
    await this.#lay();
  }

  /** Whether nothing passes for him at any address that is known to be his. */
  isShut(entry: Entry): boolean {
    if (this.#standby !== undefined) return false;
    const cell = this.#cellOf(entry);
    return cell ? cell.limit === 0 : !this.#present.has(entry);
  }

  /** The kernel stops him by itself, and he does not move just now: no look need come earlier for it. */
  holds(entry: Entry): boolean {
    const cell = this.#cellOf(entry);
    return cell !== undefined && !cell.moving && this.standing(entry) === "gated";
  }

  /** Whether the kernel was seen to stand in his traffic's way. */
  standing(entry: Entry): Standing {
    const cell = this.#cellOf(entry);
    if (!cell) return "none";
    const counted = this.#countedOf(entry) - cell.countedAtFirst;
    const passed = cell.usedBefore + cell.used;
    if (passed * LARGEST_RATIO >= counted && passed > 0) return "gated";
    return counted > TELLING ? "passed-by" : "untold";
  }

  /** Why no gate is known to meet an address of his; undefined where all do. */
  ungated(entry: Entry): string | undefined {
    const refused = this.#table?.ungated();
    const address = refused && this.#addressesOf(entry).find((each) => refused.has(each));
    return address === undefined ? undefined : `${address}: ${refused?.get(address)}`;
  }

  /** Puts back what another program flushed, and tries again what the kernel refused. */
  async upkeep(): Promise<void> {
    await this.#queue;
    if (!this.#table || (this.#cells.size === 0 && !this.#unlaid)) return;
    const flushed = !(await this.#table.intact());
    if (!flushed && !this.#unlaid) return;
    this.#cells.clear();
    await this.#lay();
    if (flushed) this.#options.onRestored();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#open.disposeAsync(); // gates stay as they are: a stopped Sluice frees nobody
    this.#table = undefined;
    this.#standby = "stopped";
  }

  /** Brings the table to who is where, and whose limits ask for a gate. */
  async #lay(): Promise<void> {
    if (!this.#table) return;
    const wanted = this.#wanted();
    const same =
      wanted.size === this.#cells.size &&
      [...wanted].every(([number, { addresses }]) => {
        const known = this.#cells.get(number)?.addresses;
        return known?.length === addresses.length && addresses.every((each, at) => each === known[at]);
      });
    if (same) return;
    await this.#options.saver.tryFlush(); // numbers are on the disk before the kernel knows them
    const gates: TunnelGate[] = [];
    for (const [number, { entry, addresses }] of wanted) {
      gates.push({ number, addresses });
      const cell = this.#cells.get(number);
      if (cell) cell.addresses = addresses;
      else this.#cells.set(number, this.#newCell(entry, number, addresses));
    }
    for (const number of this.#cells.keys()) if (!wanted.has(number)) this.#cells.delete(number);
    this.#unlaid = true;
    await this.#next(async (table) => {
      await table.set(gates, (number) => this.#cells.get(number)?.limit ?? 0);
      this.#unlaid = false;
      await this.#note(table); // a gate from before a restart stands where it stood
    });
  }

  #newCell(entry: Entry, number: number, addresses: readonly string[]): Cell {
    return {
      ...{ entry, number, addresses, limit: leftOf(entry) },
      ...{ used: 0, usedBefore: 0, make: 0, depleted: false, moving: false },
      countedAtFirst: this.#countedOf(entry),
    };
  }

  #wanted(): Map<number, { readonly entry: Entry; readonly addresses: readonly string[] }> {
    const wanted = new Map<number, { entry: Entry; addresses: string[] }>();
    const taken = new Set<string>();
    for (const { entry, addresses } of [...this.#places.values()].flat()) {
      if (entry.verdict.kind === "allow" && entry.verdict.remaining === undefined) continue;
      const number = this.#options.books.kernelNumberOf(entry);
      const known = wanted.get(number) ?? { entry, addresses: [] };
      wanted.set(number, known);
      for (const address of addresses) {
        if (taken.has(address)) continue; // a login that ended a moment ago had it
        taken.add(address);
        known.addresses.push(address);
      }
    }
    for (const [number, { addresses }] of wanted) {
      if (addresses.length === 0) wanted.delete(number);
      else addresses.sort();
    }
    return wanted;
  }

  #heard(number: number): void {
    if (this.#settling.has(number)) return;
    this.#settling.add(number);
    void this.#settle(number)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#settling.delete(number));
  }

  /** A gate shut by itself: what the server says now decides whether that was the limit. */
  async #settle(number: number): Promise<void> {
    const cell = this.#cells.get(number);
    if (!cell || cell.entry.verdict.kind === "deny") return;
    const at = this.#options.clock.unix();
    await this.#options.look(cell.entry);
    await this.note();
    const { verdict } = this.#options.books.accounts.get(cell.entry.standing.name) ?? cell.entry;
    if (verdict.kind === "deny" || !cell.depleted) return;
    const left = verdict.remaining ?? Number.MAX_SAFE_INTEGER;
    if (left <= NOTHING_LEFT) return this.#options.onDepleted(cell.entry, at);
    await this.#renew(cell, left);
  }

  async #renew(cell: Cell, left: number): Promise<void> {
    cell.make += 1;
    cell.limit = left;
    cell.depleted = false;
    await this.#next(async (table) => {
      await table.renew(cell.number, left);
      cell.usedBefore += cell.used;
      cell.used = 0;
    });
  }

  async #note(table: TunnelGates): Promise<void> {
    const figures = await table.used();
    for (const cell of this.#cells.values()) {
      const figure = figures.get(cell.number);
      if (!figure) continue;
      cell.moving = figure.used !== cell.used;
      cell.used = figure.used;
      cell.limit = figure.limit;
      cell.depleted = figure.depleted;
    }
  }

  #cellOf(entry: Entry): Cell | undefined {
    const { kernelNumber } = entry.standing;
    return kernelNumber > 0 ? this.#cells.get(kernelNumber) : undefined;
  }

  #addressesOf(entry: Entry): readonly string[] {
    return [...this.#places.values()]
      .flat()
      .filter((place) => place.entry === entry)
      .flatMap(({ addresses }) => addresses);
  }

  /** What the servers counted for him in the counted direction, over all logins in the books. */
  #countedOf({ counters }: Entry): number {
    let sum = 0;
    for (const [name, { baseline }] of counters) {
      if (this.#places.keys().some((keeper) => name.startsWith(`${keeper}:`))) {
        sum += countedOf(baseline, this.#options.count);
      }
    }
    return sum;
  }

  /** Changes follow each other; one that fails is told, and the next goes on. */
  #next(work: (table: TunnelGates) => Promise<void>): Promise<unknown> {
    const table = this.#table;
    if (!table) return Promise.resolve();
    this.#queue = this.#queue
      .then(() => work(table))
      .then(
        () => (this.#trouble = undefined),
        (error: unknown) => this.#failed(error),
      );
    return this.#queue;
  }

  #failed(error: unknown): void {
    this.#trouble = `a gate does not follow: ${reasonOf(error)}`;
  }
}

/** Inner bytes a gate that is made now may let pass: none that the books do not leave. */
function leftOf({ verdict }: Entry): number {
  return verdict.kind === "deny" ? 0 : (verdict.remaining ?? Number.MAX_SAFE_INTEGER);
}

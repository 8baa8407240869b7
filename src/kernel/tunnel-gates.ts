/**
 * Gates on addresses in a tunnel: what an account may still move, whichever of
 * its devices moves it.
 *
 * A quota per account stands where packets enter and leave the tunnel's device
 * (FORWARD would miss services on the server's own tunnel address), keyed by
 * the address. It counts inner bytes, headers in, in the counted direction.
 *
 * Changes go to the kernel as differences. After a refusal, or when another
 * program flushed the rules, the next `set()` fills everything anew.
 */
import { randomBytes } from "node:crypto";
import type { CountRule } from "../rules.ts";
import { numberOfQuota, quotaName } from "./account-marks.ts";
import { loadScript } from "./nft-command.ts";
import { openNetlinkTable } from "./nft-netlink.ts";
import type { NftChange, NftTable, QuotaState } from "./nftables.ts";
import { openTunnelDevices, type TunnelDevices } from "./tunnel-device.ts";
import { type TunnelPlace, tunnelPlaces } from "./tunnel-places.ts";
import {
  deviceElement,
  type ElementSets,
  elementAdditions,
  elementRemovals,
  elementSets,
  gateElements,
  TUNNEL_LAYOUT,
  TUNNEL_TABLE,
  tunnelRemoval,
  tunnelScript,
} from "./tunnel-script.ts";

export interface TunnelGate {
  /** The account's number in the kernel, 1 to 2^21 - 1. */
  readonly number: number;
  /** Addresses and networks of his logins: "10.8.0.2", "fd00::2", "192.0.2.0/24". Each is one account's alone. */
  readonly addresses: readonly string[];
}

export interface TunnelGates extends AsyncDisposable {
  /**
   * Makes the table hold exactly these gates: new ones as shut or as open as
   * `limit` says, known ones as they stand. All addresses change hands at once.
   *
   * @param limitOf inner bytes a gate that is made now lets pass; 0 is shut.
   */
  set(gates: readonly TunnelGate[], limitOf: (number: number) => number): Promise<void>;
  /** Inner bytes that met each gate so far, as the kernel counts them; it stands at the limit once that is reached. */
  used(): Promise<ReadonlyMap<number, QuotaState>>;
  /**
   * Moves an open gate in place: `limit` is compared with `used`.
   *
   * @returns whether it was found used up, and left so: opened again in place it
   * would let pass what comes behind the packets it dropped.
   */
  move(number: number, limit: number): Promise<boolean>;
  /** Makes a gate anew that lets `left` inner bytes pass: for one that is used up or was shut. 0 shuts both directions. */
  renew(number: number, left: number): Promise<void>;
  /** Addresses of the last `set()` that no tunnel of this host leads to, and why: their gates may meet nothing. */
  ungated(): ReadonlyMap<string, string>;
  /** Whether chains and rules are as they were made: others may have flushed them. */
  intact(): Promise<boolean>;
}

/**
 * The table stays when they are disposed of, and is taken over with what its gates let pass.
 *
 * @param count the direction that limits measure, and gates with them.
 * @throws {KernelUnavailableError} without nf_tables, the right to it, or koffi.
 */
export async function openTunnelGates({ count }: { readonly count: CountRule }): Promise<TunnelGates> {
  await using opening = new AsyncDisposableStack();
  const nft = opening.use({ ...openNetlinkTable(TUNNEL_TABLE), load: loadScript });
  const devices = opening.use(openTunnelDevices());
  return new KernelTunnelGates(nft, devices, count, opening.move());
}

const EPOCH = "epoch-";
const OBJECTS_PER_BATCH = 100;

class KernelTunnelGates implements TunnelGates {
  readonly #nft: NftTable;
  readonly #devices: TunnelDevices;
  readonly #count: CountRule;
  readonly #opened: AsyncDisposable;
  /** This life of the table; undefined before the first. */
  #epoch: string | undefined;
  #rules = 0;
  /** What is in the kernel's sets; undefined when that is not known. */
  #sets: ElementSets | undefined;
  #places: ReadonlyMap<number, readonly TunnelPlace[]> = new Map();
  /** Accounts whose gates let nothing pass, in either direction. */
  #shut: ReadonlySet<number> = new Set();
  /** The device that leads to each address. */
  #routes: ReadonlyMap<string, string> = new Map();
  #tunnels: readonly string[] = [];
  #ungated: ReadonlyMap<string, string> = new Map();
  /** Calls follow each other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(nft: NftTable, devices: TunnelDevices, count: CountRule, opened: AsyncDisposable) {
    this.#nft = nft;
    this.#devices = devices;
    this.#count = count;
    this.#opened = opened;
  }

  set(gates: readonly TunnelGate[], limitOf: (number: number) => number): Promise<void> {
    return this.#next(async () => {
      if (!(await this.#isIntact())) await this.#build();
      await this.#set(gates, limitOf);
    });
  }

  used(): Promise<ReadonlyMap<number, QuotaState>> {
    return this.#next(() => this.#quotas());
  }

  move(number: number, limit: number): Promise<boolean> {
    return this.#next(async () => {
      const name = quotaName(number);
      const standing = await this.#nft.readQuota(name);
      if (!standing || standing.limit === limit) return false;
      if (standing.depleted || standing.limit === 0) return true;
      await this.#nft.apply([{ kind: "set-quota", name, limit }]);
      return false;
    });
  }

  renew(number: number, left: number): Promise<void> {
    return this.#next(async () => {
      const places = this.#places.get(number);
      if (!places) return;
      const name = quotaName(number);
      const his = elementSets(gateElements(number, places, this.#shut.has(number)));
      const others = this.#sets && new Map([...this.#sets].filter(([id]) => !his.has(id)));
      const shut = new Set(this.#shut);
      if (left === 0) shut.add(number);
      else shut.delete(number);
      const wanted = this.#contentOf(this.#places, shut);
      await this.#apply([
        ...elementRemovals(this.#sets, others ?? wanted),
        { kind: "delete-quota", name },
        { kind: "add-quota", name, limit: left, used: 0 },
        ...elementAdditions(others, wanted),
      ]);
      this.#sets = wanted;
      this.#shut = shut;
    });
  }

  ungated(): ReadonlyMap<string, string> {
    return this.#ungated;
  }

  intact(): Promise<boolean> {
    return this.#next(() => this.#isIntact());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#opened[Symbol.asyncDispose]();
  }

  /** Table and rules stand again: those that lost only rules, or that an earlier process left, go on with their quotas. */
  async #build(): Promise<void> {
    const { layout, epoch } = await this.#found();
    const ours = layout && epoch !== undefined && (this.#epoch === undefined || this.#epoch === epoch);
    const life = ours ? epoch : `${EPOCH}${randomBytes(8).toString("hex")}`;
    await this.#nft.load(`${ours ? "" : tunnelRemoval()}${tunnelScript(life, this.#count)}`);
    this.#sets = undefined;
    this.#epoch = life;
    this.#rules = await this.#nft.countRules();
  }

  async #set(gates: readonly TunnelGate[], limitOf: (number: number) => number): Promise<void> {
    const known = await this.#quotas();
    const { places, refused } = tunnelPlaces(gates);
    const limits = new Map(gates.map(({ number }) => [number, known.get(number)?.limit ?? limitOf(number)]));
    const shut = new Set(limits.keys().filter((number) => limits.get(number) === 0));
    this.#lookUp(gates, refused);
    const wanted = this.#contentOf(places, shut);
    const gone = [...known.keys()].filter((number) => !limits.has(number));
    const fresh = [...limits].filter(([number]) => !known.has(number));
    // A quota that no element refers to stops nobody: only the elements need be one transaction.
    await this.#applyInParts(
      fresh.map(([number, limit]) => ({ kind: "add-quota", name: quotaName(number), limit, used: 0 })),
    );
    await this.#apply([...elementRemovals(this.#sets, wanted), ...elementAdditions(this.#sets, wanted)]);
    await this.#applyInParts(gone.map((number) => ({ kind: "delete-quota", name: quotaName(number) })));
    this.#sets = wanted;
    this.#places = places;
    this.#shut = shut;
  }

  #contentOf(places: ReadonlyMap<number, readonly TunnelPlace[]>, shut: ReadonlySet<number>): ElementSets {
    return elementSets([
      ...this.#tunnels.map(deviceElement),
      ...[...places].flatMap(([number, his]) => gateElements(number, his, shut.has(number))),
    ]);
  }

  /** The devices that lead to these addresses, and to which of them none does. */
  #lookUp(gates: readonly TunnelGate[], refused: readonly string[]): void {
    const before = this.#stillLead() ? this.#routes : new Map<string, string>();
    const routes = new Map<string, string>();
    const ungated = new Map(refused.map((text) => [text, "it is no address"]));
    for (const text of gates.flatMap(({ addresses }) => addresses)) {
      if (ungated.has(text)) continue;
      const known = before.get(text);
      const found = known === undefined ? this.#devices.toward(hostIn(text)) : { device: known };
      if ("device" in found) routes.set(text, found.device);
      else ungated.set(text, found.why);
    }
    this.#routes = routes;
    this.#tunnels = [...new Set(routes.values())];
    this.#ungated = ungated;
  }

  /** One address of each device is asked for: all together would take a moment with a thousand of them. */
  #stillLead(): boolean {
    const samples = new Map([...this.#routes].map(([text, device]) => [device, text]));
    return [...samples].every(([device, text]) => {
      const found = this.#devices.toward(hostIn(text));
      return "device" in found && found.device === device;
    });
  }

  /** Each object's change is acknowledged, and a socket holds a few hundred answers. */
  async #applyInParts(changes: readonly NftChange[]): Promise<void> {
    for (let from = 0; from < changes.length; from += OBJECTS_PER_BATCH) {
      await this.#apply(changes.slice(from, from + OBJECTS_PER_BATCH));
    }
  }

  /** All or nothing. After a refusal nobody knows what another program made of the sets. */
  async #apply(changes: readonly NftChange[]): Promise<void> {
    try {
      await this.#nft.apply(changes);
    } catch (error) {
      this.#sets = undefined;
      throw error;
    }
  }

  async #isIntact(): Promise<boolean> {
    if (this.#epoch === undefined) return false;
    const { layout, epoch } = await this.#found();
    return layout && epoch === this.#epoch && (await this.#nft.countRules()) === this.#rules;
  }

  async #found(): Promise<{ readonly layout: boolean; readonly epoch: string | undefined }> {
    const names = new Set<string>();
    await this.#nft.readCounters((buffer, start, end) => names.add(buffer.toString("latin1", start, end)));
    return { layout: names.has(TUNNEL_LAYOUT), epoch: [...names].find((name) => name.startsWith(EPOCH)) };
  }

  async #quotas(): Promise<ReadonlyMap<number, QuotaState>> {
    const figures = new Map<number, QuotaState>();
    for (const [name, state] of await this.#nft.readQuotas()) {
      const number = numberOfQuota(name);
      if (number !== undefined) figures.set(number, state);
    }
    return figures;
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined); // each caller hears of its own failure
    return result;
  }
}

/** The address in one with a prefix. */
function hostIn(text: string): string {
  return text.replace(/\/.*$/, "");
}

/**
 * `keepers.json`: per keeper its epoch, first look and retired baselines; and
 * the last kernel number given to an account, since none is given twice.
 *
 * Pure: values in, values out.
 */
import type { KeeperRecord, RetiredCounter } from "../ledger/keeper.ts";
import { type CounterName, type Epoch, epochName, keeperName } from "../names.ts";
import { bytes, unixTime } from "../units.ts";
import { aheadDocument, aheadOf } from "./ahead-format.ts";

export const KEEPERS_VERSION = 1;

export interface KeepersDocument {
  readonly version: number;
  readonly sequence: number;
  /** Absent from documents of the first releases. */
  readonly last_kernel_number?: number;
  readonly keepers: Readonly<Record<string, unknown>>;
}

/** What is known of keepers as a whole, with the number of its change: of two saved ones the higher is newer. */
export interface KeepersState {
  readonly sequence: number;
  readonly lastKernelNumber: number;
  readonly keepers: ReadonlyMap<string, KeeperRecord>;
}

export function keepersDocument({ keepers, sequence, lastKernelNumber }: KeepersState): KeepersDocument {
  return {
    version: KEEPERS_VERSION,
    sequence,
    last_kernel_number: lastKernelNumber,
    keepers: Object.fromEntries(
      [...keepers.values()].map((keeper) => [
        keeper.name,
        {
          epoch: keeper.epoch,
          past_epochs: keeper.pastEpochs,
          first_look_ms: keeper.firstLook,
          last_look_ms: keeper.lastLook,
          retired: Object.fromEntries(
            [...keeper.retired].map(([name, { epoch, baseline, ahead }]) => [
              name,
              { epoch, ...baseline, ...aheadDocument(ahead) },
            ]),
          ),
        },
      ]),
    ),
  };
}

interface StoredKeeper {
  readonly epoch: unknown;
  readonly past_epochs: readonly unknown[];
  readonly first_look_ms: number;
  readonly last_look_ms: number;
  readonly retired: Readonly<
    Record<string, Readonly<Record<string, unknown>> & { epoch: unknown; uplink: number; downlink: number }>
  >;
}

/**
 * Checked to the last field: a keeper passed over would be looked at as if for
 * the first time, and its users' bytes until then be booked to nobody.
 *
 * @throws {RangeError | TypeError} when the document is of a newer version or does not have this shape.
 */
export function keepersOf(document: unknown): KeepersState {
  const {
    version,
    sequence,
    keepers,
    last_kernel_number: lastKernelNumber = 0,
  } = document as KeepersDocument;
  if (version !== KEEPERS_VERSION) {
    throw new RangeError(`version: expected ${KEEPERS_VERSION}, got ${JSON.stringify(version)}`);
  }
  if (typeof keepers !== "object" || keepers === null || Array.isArray(keepers)) {
    throw new TypeError(`keepers: expected an object, got ${JSON.stringify(keepers) ?? "nothing"}`);
  }
  return {
    sequence: bytes(sequence),
    lastKernelNumber: bytes(lastKernelNumber),
    keepers: new Map(
      Object.entries(keepers).map(([name, value]) => {
        const stored = value as StoredKeeper;
        return [
          name,
          {
            name: keeperName(name),
            epoch: epochOf(stored.epoch),
            pastEpochs: stored.past_epochs.map(epochOf),
            firstLook: unixTime(bytes(stored.first_look_ms)),
            lastLook: unixTime(bytes(stored.last_look_ms)),
            retired: retiredOf(stored.retired),
          },
        ];
      }),
    ),
  };
}

function retiredOf(stored: StoredKeeper["retired"]): Map<CounterName, RetiredCounter> {
  return new Map(
    Object.entries(stored).map(([name, counter]) => [
      name as CounterName,
      {
        epoch: epochOf(counter.epoch),
        baseline: { uplink: bytes(counter.uplink), downlink: bytes(counter.downlink) },
        ahead: aheadOf(counter),
      },
    ]),
  );
}

function epochOf(value: unknown): Epoch {
  if (typeof value !== "string") {
    throw new TypeError(`epoch: expected text, got ${JSON.stringify(value) ?? "nothing"}`);
  }
  return epochName(value);
}

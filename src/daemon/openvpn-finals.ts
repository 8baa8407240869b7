/**
 * The way of a login's last figures: from the hook's file to the source, from
 * there into the books, and once those are saved the file goes.
 *
 * A file is removed only when the saved books have what it says. So whatever
 * dies in between, its figures are read again, and once is all they count.
 */

import { existsSync, statSync } from "node:fs";
import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { CounterName } from "../names.ts";
import type { FinalFigures } from "../sources/openvpn/final-figures.ts";
import type { FinalOutcome } from "../sources/openvpn/login-readings.ts";
import { Spool } from "../sources/openvpn/spool.ts";
import { makeSpool, type Owner } from "../sources/openvpn/spool-folder.ts";
import type { EventFile } from "../storage/events.ts";
import type { Books } from "./books.ts";
import type { Saver } from "./saver.ts";

export interface OpenvpnFinalsOptions {
  readonly keeper: string;
  /** The hook's folder. */
  readonly directory: string;
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly clock: Clock;
}

interface Taken {
  readonly final: FinalFigures;
  /** Where it is booked; undefined until the source has said. */
  readonly counter: CounterName | undefined;
}

export class OpenvpnFinals {
  readonly #options: OpenvpnFinalsOptions;
  readonly #taken = new Map<string, Taken>();
  #trouble: string | undefined;
  #any = false;

  constructor(options: OpenvpnFinalsOptions) {
    this.#options = options;
  }

  /** A hook has left figures since the start. */
  get any(): boolean {
    return this.#any;
  }

  /** Why the folder cannot be read; undefined while it can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Makes the folder, where there is none, for the user that the server runs as. */
  make(owner: Owner): void {
    const { directory } = this.#options;
    try {
      if (!existsSync(directory)) makeSpool(directory, owner);
    } catch (error) {
      this.#trouble = `there is no folder for the last figures of logins: ${reasonOf(error)}`;
    }
  }

  /** Figures that nobody has taken yet. */
  async collect(): Promise<readonly FinalFigures[]> {
    const { directory, clock, events, keeper } = this.#options;
    try {
      const folder = statSync(directory, { throwIfNoEntry: false });
      if (!folder) return [];
      // The folder is the server's own, and nobody else can write into it.
      const spool = new Spool({ directory, owners: new Set([0, folder.uid]), clock });
      const { finals, refused } = await spool.look();
      this.#trouble = undefined;
      for (const { file, why } of refused) {
        const text = `Cannot use the last figures in ${directory}/${file}: ${why}; the file is kept as ${file}.refused`;
        events.record("counter-rejected", text, { keeper }, "warning");
      }
      const fresh = finals.filter(({ file }) => !this.#taken.has(file));
      for (const final of fresh) this.#taken.set(final.file, { final, counter: undefined });
      if (fresh.length > 0) this.#any = true;
      return fresh;
    } catch (error) {
      this.#trouble = `the last figures of logins cannot be read: ${reasonOf(error)}`;
      return [];
    }
  }

  /** What the source made of one; the server's own word is in no file. */
  heard(final: FinalFigures, outcome: FinalOutcome): void {
    const { events, keeper } = this.#options;
    if (!this.#taken.has(final.file)) return;
    if (outcome.kind === "booked") {
      this.#taken.set(final.file, { final, counter: outcome.counter });
      return;
    }
    const { commonName, traffic } = final;
    const figures = `${traffic.uplink} bytes received, ${traffic.downlink} sent`;
    const text = `Cannot book the last figures of a login of ${commonName} at ${keeper} (${figures}): ${outcome.why}`;
    events.record("counter-rejected", text, { keeper, user: commonName }, "warning");
    this.#taken.set(final.file, { final, counter: REFUSED });
  }

  /** Removes the files whose figures the saved books have. */
  async settle(): Promise<void> {
    const { directory, saver, clock } = this.#options;
    const booked = [...this.#taken.values()].filter((taken) => this.#isBooked(taken));
    if (booked.length === 0) return;
    await saver.tryFlush();
    if (saver.trouble !== undefined) return; // the saver has told it; the files wait
    const spool = new Spool({ directory, owners: new Set(), clock });
    for (const { final } of booked) {
      await spool.remove(final.file);
      this.#taken.delete(final.file);
    }
  }

  #isBooked({ final, counter }: Taken): boolean {
    if (counter === undefined) return false;
    if (counter === REFUSED) return true;
    for (const { counters } of this.#options.books.accounts.values()) {
      const state = counters.get(counter);
      if (!state) continue;
      const { uplink, downlink } = state.baseline;
      return uplink >= final.traffic.uplink && downlink >= final.traffic.downlink;
    }
    return true; // the account is gone, and its past with it
  }
}

/** Stands for the counter of figures that nobody may book. */
const REFUSED = "" as CounterName;

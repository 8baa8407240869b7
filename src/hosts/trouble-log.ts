/** What an operator is to hear of the capture without asking. */
import type { Log } from "../log.ts";
import type { CaptureStatus } from "./capture-desk.ts";

/** Says each trouble once when it comes and once when it is over. */
export class TroubleLog {
  readonly #log: Log;
  readonly #known = new Map<string, string>();
  #dropped = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  note({ taps, saveTrouble }: CaptureStatus): void {
    for (const { name, trouble } of [...taps, { name: "hosts.log", trouble: saveTrouble }]) {
      const before = this.#known.get(name) ?? "";
      this.#known.set(name, trouble);
      if (trouble !== "" && trouble !== before)
        this.#log.write("warning", `Nothing from ${name}: ${trouble}`);
      if (trouble === "" && before !== "") this.#log.write("info", `Again from ${name}`);
    }
    const dropped = taps.reduce((sum, tap) => sum + tap.dropped, 0);
    if (dropped > this.#dropped) {
      this.#log.write(
        "warning",
        `The kernel dropped ${dropped - this.#dropped} packets, names may be missing; ${dropped} since the start`,
      );
    }
    this.#dropped = dropped;
  }
}

/** Whose a flow is: by its conntrack mark, in which the account's number stands. */
import { reasonOf } from "../errors.ts";
import { MARK_PREFIX, MARK_PREFIX_MASK, numberOf, SERVICE_SSH, serviceOf } from "../kernel/account-marks.ts";
import { type Conntrack, openConntrack } from "../kernel/conntrack.ts";
import type { FlowProtocol } from "../kernel/conntrack-messages.ts";
import type { Endpoint } from "../kernel/sockets.ts";
import type { Log } from "../log.ts";
import type { UserName } from "../names.ts";
import type { Books, Entry } from "./books.ts";

export interface FlowOwner {
  readonly account: UserName;
  readonly service: "ssh" | "xray";
}

export class FlowOwners implements Disposable {
  readonly #books: Books;
  readonly #log: Log;
  /** Opened at the first question; undefined where the kernel cannot be asked. */
  #conntrack: Conntrack | undefined;
  #opened = false;
  readonly #entries = new Map<number, Entry>();

  constructor(books: Books, log: Log) {
    this.#books = books;
    this.#log = log;
  }

  /** The flow whose packets go from `source` to `target`. @returns undefined for a flow of no account's. */
  ownerOf(transport: FlowProtocol, source: Endpoint, target: Endpoint): FlowOwner | undefined {
    const mark = this.#tracking()?.markOf(transport, source, target) ?? 0;
    if ((mark & MARK_PREFIX_MASK) >>> 0 !== MARK_PREFIX) return undefined;
    const entry = this.#entryOf(numberOf(mark));
    return (
      entry && { account: entry.standing.name, service: serviceOf(mark) === SERVICE_SSH ? "ssh" : "xray" }
    );
  }

  [Symbol.dispose](): void {
    this.#conntrack?.[Symbol.dispose]();
  }

  #tracking(): Conntrack | undefined {
    if (this.#opened) return this.#conntrack;
    this.#opened = true;
    try {
      this.#conntrack = openConntrack();
    } catch (error) {
      this.#log.write("warning", `The host capture cannot be told whose a flow is: ${reasonOf(error)}`);
    }
    return this.#conntrack;
  }

  #entryOf(number: number): Entry | undefined {
    const known = this.#entries.get(number);
    if (known && this.#books.accounts.get(known.standing.name)?.standing.kernelNumber === number)
      return known;
    this.#entries.clear();
    for (const entry of this.#books.accounts.values()) this.#entries.set(entry.standing.kernelNumber, entry);
    this.#entries.delete(0); // accounts that the kernel does not know yet
    return this.#entries.get(number);
  }
}

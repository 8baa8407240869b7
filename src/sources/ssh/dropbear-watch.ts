/**
 * Tells of Dropbear's connections: of new ones as they are forked, of all others
 * when all processes are looked through.
 *
 * The kernel tells of forks by parent, so a listener that was restarted is not
 * watched until the next look. It tells nobody outside of the initial namespaces,
 * where their children are looked for instead.
 */
import { KernelUnavailableError } from "../../errors.ts";
import { watchForks } from "../../kernel/process-events.ts";
import type { SocketTable } from "../../kernel/sockets.ts";
import { pollChildren } from "./child-poll.ts";
import { type DropbearProcesses, findDropbear } from "./dropbear-processes.ts";

/**
 * @param late it may have opened sockets by now. A connection found by a look is told of at every look, and one
 * may be told of as it is forked and again by a look.
 */
type OnConnection = (pid: number, late: boolean) => void;

export class DropbearWatch implements Disposable {
  readonly #sockets: SocketTable;
  readonly #onConnection: OnConnection;
  #found: DropbearProcesses = { listeners: new Map(), connections: [], inetd: [] };
  readonly #ports = new Set<number>();
  #parents: ReadonlySet<number> = new Set();
  #forks: Disposable | undefined;
  #missed = false;
  #trouble: string | undefined;

  constructor(sockets: SocketTable, onConnection: OnConnection) {
    this.#sockets = sockets;
    this.#onConnection = onConnection;
  }

  /** As of the last look. */
  get found(): DropbearProcesses {
    return this.#found;
  }

  /** Of all listeners seen so far: a connection outlives the one that took it. */
  get ports(): ReadonlySet<number> {
    return this.#ports;
  }

  /** Whether the kernel dropped events since the last look. */
  get missed(): boolean {
    return this.#missed;
  }

  /** Why a new connection is not seen at once, if so. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Looks through all processes, and tells of each connection. */
  look(): void {
    this.#missed = false;
    this.#found = findDropbear(this.#sockets);
    for (const ports of this.#found.listeners.values()) for (const port of ports) this.#ports.add(port);
    for (const pid of this.#found.connections) this.#onConnection(pid, true);
  }

  /** Has the kernel tell of the forks of the listeners found. Keeps no thread for none. */
  async follow(): Promise<void> {
    const parents = new Set(this.#found.listeners.keys());
    if (parents.symmetricDifference(this.#parents).size === 0) return;
    this.#parents = parents;
    const before = this.#forks;
    this.#forks = parents.size > 0 ? await this.#watch(parents) : undefined;
    before?.[Symbol.dispose]();
    if (parents.size > 0) this.look(); // who was forked before anybody listened
  }

  [Symbol.dispose](): void {
    this.#forks?.[Symbol.dispose]();
    this.#forks = undefined;
    this.#parents = new Set();
  }

  async #watch(parents: ReadonlySet<number>): Promise<Disposable | undefined> {
    this.#trouble = undefined;
    const hear = (child: number) => this.#onConnection(child, false); // both ways before it can have logged in
    try {
      return await watchForks(parents, hear, () => {
        this.#missed = true;
      });
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      return this.#poll(parents, hear, error);
    }
  }

  #poll(
    parents: ReadonlySet<number>,
    hear: (child: number) => void,
    reason: KernelUnavailableError,
  ): Disposable | undefined {
    try {
      return pollChildren(parents, hear);
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      this.#trouble = `${reason.message}; ${error.message}`;
      return undefined;
    }
  }
}

/** Clients by the lines of a firewall rule of the operator's: also of those that come and go between two looks. */
import type { FirewallLogSettings } from "../../config-parts.ts";
import { LogFollower } from "../../logs/log-follower.ts";
import type { ClientConnection, ConnectionSource, Premises } from "./connection-source.ts";
import { parseFirewallLine } from "./firewall-line.ts";
import { LineProgram } from "./line-program.ts";
import { ToldConnections } from "./told-connections.ts";

/** The kernel's own lines from now on, and nobody else's: any program may write to the rest of the journal. */
const KERNEL_LINES = ["journalctl", "-f", "-k", "-q", "-n", "0", "-o", "cat"] as const;

export class FirewallLog implements ConnectionSource {
  readonly name = "firewall log";
  readonly tells = "begun";
  readonly #told = new ToldConnections();
  readonly #lines: Disposable & { readonly trouble: string | undefined };
  #dropped = 0;

  constructor({ path, prefix }: FirewallLogSettings) {
    const onLine = (line: string) => {
      const told = parseFirewallLine(line, prefix);
      if (told) this.#told.add(told);
    };
    this.#lines = path === "journal" ? new LineProgram(KERNEL_LINES, onLine) : new LogFollower(path, onLine);
  }

  get trouble(): string | undefined {
    const { trouble } = this.#lines;
    if (trouble !== undefined) return `Cannot follow the firewall's log: ${trouble}`;
    return this.#dropped === 0
      ? undefined
      : `The firewall's log told of more connections than are kept between two looks: ${this.#dropped} were left out`;
  }

  read(premises: Premises, visit: (connection: ClientConnection) => void): void {
    this.#dropped = this.#told.take(premises, visit);
  }

  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}

/** TCP clients by bpftrace(8): also those that come and go between two looks. It takes tracepoints and root. */
import { PROGRAM, parseBpftraceLine } from "./bpftrace-line.ts";
import type { ClientConnection, ConnectionSource, Premises } from "./connection-source.ts";
import { LineProgram } from "./line-program.ts";
import { ToldConnections } from "./told-connections.ts";

export class Bpftrace implements ConnectionSource {
  readonly name = "bpftrace";
  readonly tells = "begun";
  readonly #told = new ToldConnections();
  readonly #lines: LineProgram;
  #dropped = 0;

  constructor() {
    // Line by line, or a pipe would get them by the page.
    this.#lines = new LineProgram(["bpftrace", "-B", "line", "-e", PROGRAM], (line) => {
      const told = parseBpftraceLine(line);
      if (told) this.#told.add(told);
    });
  }

  get trouble(): string | undefined {
    const { trouble } = this.#lines;
    if (trouble !== undefined)
      return `Cannot watch connections by bpftrace: ${trouble}; it takes the package bpftrace and tracepoints (tracefs)`;
    return this.#dropped === 0
      ? undefined
      : `bpftrace told of more connections than are kept between two looks: ${this.#dropped} were left out`;
  }

  read(premises: Premises, visit: (connection: ClientConnection) => void): void {
    this.#dropped = this.#told.take(premises, visit);
  }

  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}

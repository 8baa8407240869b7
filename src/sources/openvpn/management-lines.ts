/**
 * The lines of a management interface, cut out of bytes that come in any pieces.
 *
 * Lines end in CRLF. A prompt for the password has no line end at all, so it is
 * told as soon as it is complete. Lines that begin with ">" come unasked, in
 * between two answers (facts: openvpn, 4).
 *
 * Pure: no clock, no I/O.
 */

/** Longer lines do not come from a server: names are short, and its log lines too. */
export const LONGEST_LINE = 65_536;
/** A block of a client's environment is a few kilobytes. */
const LARGEST_BLOCK = 262_144;
const LINE_END = 0x0a;
const PROMPT = "ENTER PASSWORD:";

/** The server sent a line without an end. */
export class TooLongLineError extends Error {
  override readonly name = "TooLongLineError";
  readonly code = "TOO_LONG_LINE";

  constructor() {
    super(`Cannot read a line of the management interface: it has more than ${LONGEST_LINE} bytes`);
  }
}

export interface LineReceiver {
  onLine(line: string): void;
  onPrompt(): void;
}

export class ManagementLines {
  #half = Buffer.alloc(0);
  readonly #receiver: LineReceiver;
  /** True until the server has greeted: a prompt may come. */
  prompting = true;

  constructor(receiver: LineReceiver) {
    this.#receiver = receiver;
  }

  /**
   * Hands on each line that ends in `chunk`, without its end. Each is a string of
   * its own: a name kept from it shall not keep the whole answer.
   *
   * @throws {TooLongLineError}
   */
  feed(chunk: Buffer): void {
    const bytes = this.#half.length > 0 ? Buffer.concat([this.#half, chunk]) : chunk;
    let start = 0;
    for (;;) {
      const prompt = this.prompting && bytes.toString("latin1", start, start + PROMPT.length) === PROMPT;
      if (prompt) {
        start += PROMPT.length;
        this.#receiver.onPrompt();
        continue;
      }
      const end = bytes.indexOf(LINE_END, start);
      if (end < 0) break;
      if (end - start > LONGEST_LINE) throw new TooLongLineError();
      const stop = end > start && bytes[end - 1] === 0x0d ? end - 1 : end;
      const line = bytes.toString("utf8", start, stop);
      start = end + 1;
      this.#receiver.onLine(line);
    }
    if (bytes.length - start > LONGEST_LINE) throw new TooLongLineError();
    this.#half = Buffer.from(bytes.subarray(start)); // copied: what is left shall not keep the chunk
  }
}

/** Something that the server says unasked. */
export interface RealTimeLine {
  /** "STATE", "CLIENT", "HOLD", "INFO", "BYTECOUNT_CLI"... */
  readonly kind: string;
  /** What stands behind the colon. */
  readonly text: string;
}

/** @returns undefined for a line of an answer. */
export function realTimeLine(line: string): RealTimeLine | undefined {
  if (!line.startsWith(">")) return undefined;
  const colon = line.indexOf(":");
  return colon < 0
    ? { kind: line.slice(1), text: "" }
    : { kind: line.slice(1, colon), text: line.slice(colon + 1) };
}

/** What a `>CLIENT:` block tells of one client. */
export interface ClientEvent {
  /** "CONNECT", "REAUTH", "ESTABLISHED", "ADDRESS", "DISCONNECT", "CR_RESPONSE". */
  readonly event: string;
  readonly clientId: number;
  /** Of CONNECT and REAUTH: what an answer must name. */
  readonly keyId: number | undefined;
  /** What stands behind the client's number: of ADDRESS the address and whether it is the first. */
  readonly parameters: readonly string[];
  /** As the hooks get it, without the password. Empty for ADDRESS. */
  readonly environment: ReadonlyMap<string, string>;
}

/** Puts the lines of `>CLIENT:` blocks together. */
export class ClientBlocks {
  #head: Omit<ClientEvent, "environment"> | undefined;
  #environment = new Map<string, string>();
  #size = 0;

  /** @param text what stands behind ">CLIENT:". @returns the block that it ends. One that is too large is passed over. */
  feed(text: string): ClientEvent | undefined {
    if (!text.startsWith("ENV,")) {
      const head = headOf(text);
      this.#begin(head?.event === "ADDRESS" ? undefined : head);
      return head?.event === "ADDRESS" ? { ...head, environment: new Map() } : undefined;
    }
    const head = this.#head;
    if (!head) return undefined;
    const variable = text.slice("ENV,".length);
    if (variable === "END") {
      const environment = this.#environment;
      this.#begin(undefined);
      return { ...head, environment };
    }
    this.#size += variable.length;
    if (this.#size > LARGEST_BLOCK) this.#begin(undefined);
    const equals = variable.indexOf("=");
    const key = variable.slice(0, equals);
    if (equals > 0 && key !== "password") this.#environment.set(key, variable.slice(equals + 1));
    return undefined;
  }

  #begin(head: Omit<ClientEvent, "environment"> | undefined): void {
    this.#head = head;
    this.#environment = new Map();
    this.#size = 0;
  }
}

function headOf(text: string): Omit<ClientEvent, "environment"> | undefined {
  const [event = "", id = "", ...parameters] = text.split(",");
  if (!/^[A-Z_]+$/.test(event) || !/^\d{1,10}$/.test(id)) return undefined;
  const key = parameters[0] ?? "";
  const keyed = event !== "ADDRESS" && /^\d{1,10}$/.test(key);
  return { event, clientId: Number(id), keyId: keyed ? Number(key) : undefined, parameters };
}

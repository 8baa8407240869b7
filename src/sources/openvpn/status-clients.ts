/**
 * The rows of a status that tell of clients.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import { userName } from "../../names.ts";
import { bytes } from "../../units.ts";
import type { VpnLogin } from "./login.ts";
import { count, type RowSplitter } from "./status-rows.ts";

/** This is no whole status: half a file, or something else. Nothing of it may be booked. */
export class UnusableStatusError extends Error {
  override readonly name = "UnusableStatusError";
  readonly code = "UNUSABLE_STATUS";

  constructor(why: string) {
    super(`Cannot use the status: ${why}`);
  }
}

export interface ClientRow {
  /** Its text up to the bytes: whose it is. */
  readonly head: string;
  readonly line: string;
  /** As the row itself tells it. */
  readonly login: VpnLogin;
  /** The same with what the routing table told of him last. */
  routed: VpnLogin;
}

export interface ClientRowsOptions {
  /** The line that names the columns. */
  readonly header: string;
  readonly splitter: RowSplitter;
  /** Rows of the look before, in their order: what stands as it stood is not taken apart again. */
  readonly known: readonly ClientRow[];
  /** What makes a client somebody; one without the name asked for goes by the other. */
  readonly usersBy: "common-name" | "username";
  /** Seconds since 1970 of a moment as the status writes it. */
  readonly epochOf: (text: string) => number | undefined;
}

const COLUMNS = {
  name: "Common Name",
  real: "Real Address",
  address: "Virtual Address",
  address6: "Virtual IPv6 Address",
  received: "Bytes Received",
  sent: "Bytes Sent",
  since: "Connected Since",
  time: "Connected Since (time_t)",
  username: "Username",
  id: "Client ID",
} as const;
/** What the columns are that every release had. */
const NEEDED = ["name", "real", "received", "sent", "since"] as const;
/** The server's word for a name that it does not know. */
const NOBODY = "UNDEF";

export class ClientRows {
  readonly header: string;
  readonly rows: ClientRow[] = [];
  readonly rejected: { name: string; why: string }[] = [];
  /** The clients' own addresses in the tunnel. */
  readonly addresses = new Set<string>();
  /** Clients at the door whose name the server does not know yet. */
  nameless = 0;
  readonly #options: ClientRowsOptions;
  readonly #at: Readonly<Record<keyof typeof COLUMNS, number>>;
  /** Where the next row stood at the look before, if the order is the same. */
  #next = 0;
  #byHead: ReadonlyMap<string, number> | undefined;

  /** @throws {UnusableStatusError} when the header lacks a column. */
  constructor(options: ClientRowsOptions) {
    this.header = options.header;
    this.#options = options;
    const at = Object.entries(COLUMNS).map(([key, column]) => [key, options.splitter.index(column)] as const);
    this.#at = Object.fromEntries(at) as Record<keyof typeof COLUMNS, number>;
    const missing = NEEDED.find((key) => this.#at[key] < 0);
    if (missing) throw new UnusableStatusError(`expected a column "${COLUMNS[missing]}", got none`);
  }

  /** @param from where the fields begin. */
  take(line: string, from: number): void {
    const known = this.#knownOf(line, from);
    const row = known?.line === line ? known : (this.#moved(line, known) ?? this.#parse(line, from));
    if (!row) return;
    this.rows.push(row);
    for (const address of row.login.addresses) this.addresses.add(address);
  }

  /** The row of the look before with the same head: nearly always the one behind the last one. */
  #knownOf(line: string, from: number): ClientRow | undefined {
    const { known } = this.#options;
    const next = known[this.#next];
    if (next && line.startsWith(next.head)) {
      this.#next += 1;
      return next;
    }
    this.#byHead ??= new Map(known.map((row, at) => [row.head, at]));
    const at = this.#byHead.get(this.#headOf(line, from));
    if (at === undefined) return undefined;
    this.#next = at + 1;
    return known[at];
  }

  #headOf(line: string, from: number): string {
    return line.slice(0, this.#options.splitter.start(this.#at.received, line, from));
  }

  /** The row of the look before with other bytes; undefined when anything else in it is another too. */
  #moved(line: string, known: ClientRow | undefined): ClientRow | undefined {
    if (!known || this.#at.sent !== this.#at.received + 1) return undefined;
    const { splitter } = this.#options;
    const from = known.head.length;
    const sentAt = splitter.start(1, line, from);
    const end = splitter.start(2, line, from);
    const tail = known.line.slice(splitter.start(2, known.line, from));
    if (sentAt === from || end === from || line.length - end !== tail.length || !line.endsWith(tail))
      return undefined;
    const [received, sent] = [count(line.slice(from, sentAt - 1)), count(line.slice(sentAt, end - 1))];
    if (received === undefined || sent === undefined) return undefined;
    const login = { ...known.login, traffic: { uplink: bytes(received), downlink: bytes(sent) } };
    return { head: known.head, line, login, routed: login };
  }

  #parse(line: string, from: number): ClientRow | undefined {
    const { splitter, usersBy, epochOf } = this.#options;
    const text = line.slice(from);
    const fields = splitter.split(text);
    if (!fields) {
      return this.#reject(
        text.split(/[,\t]/, 1)[0] ?? "",
        "its fields cannot be told apart: has a name commas?",
      );
    }
    const field = (key: keyof typeof COLUMNS) => fields[this.#at[key]] ?? "";
    const commonName = field("name");
    const signedInAs = isKnown(field("username")) ? field("username") : undefined;
    const byUsername = usersBy === "username" || !isKnown(commonName);
    const user = (byUsername ? signedInAs : undefined) ?? commonName;
    const addresses = [field("address"), field("address6")].filter((address) => address !== "");
    if (!isKnown(user) && addresses.length === 0) {
      this.nameless += 1;
      return undefined;
    }
    const since = count(field("time")) ?? epochOf(field("since"));
    const [received, sent] = [count(field("received")), count(field("sent"))];
    const clientId = count(field("id"));
    if (since === undefined || received === undefined || sent === undefined) {
      return this.#reject(user, "its bytes and its beginning are not whole numbers below 2^53");
    }
    if (this.#at.id >= 0 && clientId === undefined) return this.#reject(user, "its client ID is no number");
    try {
      const login: VpnLogin = {
        user: userName(user),
        commonName,
        signedInAs,
        clientId,
        since,
        realAddress: field("real"),
        addresses,
        subnets: [],
        traffic: { uplink: bytes(received), downlink: bytes(sent) },
      };
      return { head: this.#headOf(line, from), line, login, routed: login };
    } catch (error) {
      return this.#reject(user, reasonOf(error));
    }
  }

  #reject(name: string, why: string): undefined {
    this.rejected.push({ name, why });
  }
}

function isKnown(name: string): boolean {
  return name !== "" && name !== NOBODY;
}

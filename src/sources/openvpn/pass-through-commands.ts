/**
 * What a client of the pass-through socket may ask, and what he may hear.
 *
 * What each line means and how it is answered was seen at a real server of
 * version 2.6 (facts: openvpn, 4). What turns something on or off is settled
 * for each client here: the server has one session, which is ours.
 *
 * Pure: no clock, no I/O.
 */

/** "read" changes nothing at the server; "control" may. */
export type PassThroughMode = "read" | "control";

/** What a server tells unasked once it was turned on. */
export const CHANNELS = ["state", "log", "echo"] as const;
export type Channel = (typeof CHANNELS)[number];

export type Order =
  /** Not even an answer. */
  | { readonly kind: "nothing" }
  | { readonly kind: "leave" }
  /** Answered here. */
  | Say
  /** From now on he hears of it, or no longer; `then` comes behind the answer. */
  | {
      readonly kind: "switch";
      readonly channel: Channel;
      readonly on: boolean;
      readonly then: Ask | Say | undefined;
    }
  /** He wants each client's bytes every so many seconds; 0 is never. */
  | { readonly kind: "bytecount"; readonly seconds: number }
  | Ask;

/** Passed on. */
export interface Ask {
  readonly kind: "ask";
  readonly text: string;
  /** The answer has several lines, up to END. */
  readonly block: boolean;
}

export interface Say {
  readonly kind: "say";
  readonly line: string;
}

export interface PassThroughRules {
  readonly mode: PassThroughMode;
  /** Sluice answers the server's questions who may come in: nobody else does. */
  readonly answersLogins: boolean;
}

/** @param line without its end, of whatever somebody sent. */
export function orderIn(line: string, rules: PassThroughRules): Order {
  const [command = "", ...values] = line.split(/[ \t]+/).filter((word) => word !== "");
  if (command === "" || /^[#;]/.test(command)) return { kind: "nothing" };
  if (!COMMANDS.has(command)) return error("unknown command, enter 'help' for more options");
  if (command === "quit" || command === "exit") return { kind: "leave" };
  const channel = CHANNELS.find((each) => each === command);
  if (channel) return channelOrder(channel, values);
  if (command === "bytecount") return bytecountOrder(values);
  if (command === "version") return values.length > 0 ? { kind: "nothing" } : asked(command);
  if (command === "status") {
    const [format = ""] = values;
    return asked(/^\d{1,3}$/.test(format) ? `status ${format}` : "status");
  }
  if (HARMLESS.has(command)) return asked(command);
  if (values.length === 0 && TOLD_ALONE.has(command)) return asked(command);
  return orderToChange(line.trim(), command, rules);
}

/** What reads nothing alone: in "control" it is passed on as it stands. */
function orderToChange(text: string, command: string, { mode, answersLogins }: PassThroughRules): Order {
  if (OURS.has(command)) return error(`'${command}' is refused: ${OURS.get(command)} (openvpn.pass_through)`);
  if (mode === "read") {
    return error(
      `'${command}' is refused: this socket is read-only (Sluice holds the management interface; openvpn.pass_through)`,
    );
  }
  if (answersLogins && command.startsWith("client-") && command !== "client-kill") {
    return error(`'${command}' is refused: Sluice says who may come in (openvpn.client_auth)`);
  }
  return { kind: "ask", text, block: BLOCKS.has(command) };
}

function channelOrder(channel: Channel, [first, second]: readonly string[]): Order {
  if (first === undefined) {
    return channel === "state"
      ? asked(channel)
      : error(`the '${channel}' command requires at least 1 parameter`);
  }
  if (first === "on" || first === "off") {
    const then = second === undefined ? undefined : history(channel, second);
    return { kind: "switch", channel, on: first === "on", then };
  }
  return history(channel, first);
}

/** The count as atoi(3) reads it. */
function history(channel: Channel, count: string): Ask | Say {
  const lines = count === "all" ? count : Number.parseInt(count.slice(0, 9), 10);
  if (lines === "all" || lines > 0) return { kind: "ask", text: `${channel} ${lines}`, block: true };
  return error(`${channel} parameter must be 'on' or 'off' or some number n or 'all'`);
}

function bytecountOrder([span]: readonly string[]): Order {
  if (span === undefined) return error("the 'bytecount' command requires 1 parameter");
  return { kind: "bytecount", seconds: /^\d{1,6}/.test(span) ? Number.parseInt(span, 10) : 0 };
}

function asked(text: string): Ask {
  return { kind: "ask", text, block: BLOCKS.has(text.split(" ", 1)[0] ?? "") };
}

function error(text: string): Say {
  return { kind: "say", line: `ERROR: ${text}` };
}

/** Whether a line that the server said unasked is for a client who has turned these channels on. */
export function mayHear(line: string, channels: ReadonlySet<Channel>, mode: PassThroughMode): boolean {
  const [, kind = "", text = ""] = /^>([A-Z_-]+):(.*)$/s.exec(line) ?? [];
  const channel = CHANNELS.find((each) => each === kind.toLowerCase());
  if (channel) return channels.has(channel);
  if (kind === "CLIENT") return mode === "control" && !SECRETS.test(text);
  return TOLD_TO_ALL.has(kind);
}

/** Of a `>CLIENT:` line: what somebody signs in with. */
const SECRETS = /^(?:ENV,password=|CR_RESPONSE,)/i;
/** The greeting is said to each as he comes; what asks for passwords is nobody's here, and bytes are told from our own looks. */
const TOLD_TO_ALL: ReadonlySet<string> = new Set(["FATAL", "HOLD"]);

const BLOCKS: ReadonlySet<string> = new Set(["help", "status", "version", "state"]);
/** Change nothing, whatever stands behind them. */
const HARMLESS: ReadonlySet<string> = new Set(["help", "load-stats", "net", "pid"]);
/** Tell how something is set; with a value they set it. */
const TOLD_ALONE: ReadonlySet<string> = new Set(["auth-retry", "env-filter", "hold", "mute", "verb"]);
/** Would put the one session out of step, for everybody. */
const OURS: ReadonlyMap<string, string> = new Map([
  ...["client-auth", "client-pf", "rsa-sig", "pk-sig", "certificate"].map(
    (command) => [command, "it takes several lines"] as const,
  ),
  ...["pkcs11-id-count", "pkcs11-id-get", "test"].map(
    (command) => [command, "its answer has no end"] as const,
  ),
  ["env-filter", "Sluice reads what it would leave out"],
]);
/** All that a server of 2.6 knows. */
const COMMANDS: ReadonlySet<string> = new Set([
  ...[
    "auth-retry",
    "bytecount",
    "certificate",
    "client-auth",
    "client-auth-nt",
    "client-deny",
    "client-kill",
  ],
  ...["client-pending-auth", "client-pf", "cr-response", "echo", "env-filter", "exit", "forget-passwords"],
  ...["help", "hold", "kill", "load-stats", "log", "mute", "needok", "needstr", "net", "password", "pid"],
  ...["pk-sig", "pkcs11-id-count", "pkcs11-id-get", "proxy", "quit", "remote", "remote-entry-count"],
  ...["remote-entry-get", "rsa-sig", "signal", "state", "status", "test", "username", "verb", "version"],
]);

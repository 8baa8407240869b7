/**
 * What there is to say of an OpenVPN server and of a user there, in words.
 *
 * Pure: no clock, no I/O.
 */
import type { OpenvpnSettings } from "../config.ts";
import type { StopStep } from "../control/rows.ts";
import type { Verdict } from "../policy/verdict.ts";
import { formatSize } from "../sizes.ts";
import type { ServerConfig } from "../sources/openvpn/server-config.ts";

/** As in the settings and on the command line, without "openvpn:". */
export function shortNameOf({ name }: Pick<OpenvpnSettings, "name">): string {
  return name.slice("openvpn:".length);
}

/** What a denied user's client shows him; undefined for everybody else. */
export function whyDenied(verdict: Verdict | undefined): string | undefined {
  if (verdict?.kind !== "deny") return undefined;
  if (verdict.reason === "disabled") return "your account is disabled";
  const size = formatSize(verdict.limit);
  return verdict.reason === "daily-exhausted"
    ? `your daily quota of ${size} is used up until midnight`
    : `your quota of ${size} is used up`;
}

export interface ServerFacts {
  readonly settings: OpenvpnSettings;
  readonly enforces: boolean;
  /** Undefined where it is not known. */
  readonly config: ServerConfig | undefined;
  /** A hook has told a login's last figures. */
  readonly hooked: boolean;
  readonly dco: boolean;
  /** Why gates do not stand; undefined where they do. */
  readonly gateless: string | undefined;
  /** Faults of the moment, in sentences. */
  readonly troubles: readonly (string | undefined)[];
}

/** What keeps a server's figures from being exact, or a cut there from being whole; one sentence each. */
export function notesOf(facts: ServerFacts): readonly string[] {
  const { settings, enforces, config, hooked, dco, gateless, troubles } = facts;
  const notes = [
    settings.management === null && COARSER,
    config && config.disconnectHook === undefined && !hooked && UNHOOKED,
    config && config.connectHook === undefined && enforces && OPEN_DOOR,
    config?.clientToClient && CLIENT_TO_CLIENT,
    config?.managementClientAuth && !settings.clientAuth && UNANSWERED,
    dco && OFFLOADED,
    enforces && gateless !== undefined && `no gates: ${gateless}`,
    ...troubles,
  ];
  return notes.filter((note) => typeof note === "string");
}

/** How the kernel stands in a user's way, as far as it was seen. */
export type Standing = "none" | "gated" | "passed-by" | "untold";

/** By what a user is stopped, where gates stand. */
export function gateStep(standing: Standing): Pick<StopStep, "step" | "text"> {
  return GATE_STEPS[standing];
}

const GATE_STEPS: Readonly<Record<Standing, Pick<StopStep, "step" | "text">>> = {
  gated: { step: "gate", text: "proven: his bytes pass it" },
  untold: { step: "gate", text: "not proven yet: he has moved too little since it stands" },
  none: { step: "gate", text: "on his tunnel addresses, as soon as he is logged in and limited" },
  "passed-by": {
    step: "cut",
    text: "not gated: his bytes do not pass this host's kernel (client-to-client, or a server in another network namespace)",
  },
};

const COARSER =
  "only its status file is read: figures are as old as the file, the last bytes of a login are seen only with the hooks, and nobody is cut while he is logged in";
const UNHOOKED =
  "no disconnect hook: what a login moves after the last look at it is not counted; sluice openvpn setup sets it up";
const OPEN_DOOR =
  "no connect hook: who is cut gets in again until the next look ends him; sluice openvpn setup sets it up";
const CLIENT_TO_CLIENT =
  "client-to-client is on: what clients send each other never reaches the kernel, and so no gate";
const UNANSWERED =
  "management-client-auth is on, and nobody answers: no client gets in; set openvpn.client_auth, or take it out";
const OFFLOADED =
  "the kernel moves its packets (DCO): some versions then count wrong or late; sluice doctor knows which";

/**
 * Answers a server with `management-client-auth`, which asks about every client
 * that comes: in, or refused with the reason and the time to wait.
 *
 * The only question here is who is denied. Whoever checks passwords (a plugin, a
 * script) is asked beside us, and both must let him in.
 */
import { type UserName, userName } from "../../names.ts";
import type { Management } from "../../sources/openvpn/management.ts";
import type { ClientEvent } from "../../sources/openvpn/management-lines.ts";
import type { Milliseconds } from "../../units.ts";
import { letIn, refuse } from "./client-texts.ts";

export interface DoorRule {
  readonly usersBy: "common-name" | "username";
  /** How long a refused client is told to wait. */
  readonly backoff: Milliseconds;
  /** A short text why he is denied; undefined for everybody else. */
  readonly reasonFor: (user: UserName) => string | undefined;
}

/** What the server calls a client without a certificate's name. */
const NAMELESS = "UNDEF";

/** The command that answers a client at the door, or one that proves himself again; undefined for other events. */
export function doorAnswer(event: ClientEvent, rule: DoorRule): string | undefined {
  const { clientId, keyId } = event;
  if ((event.event !== "CONNECT" && event.event !== "REAUTH") || keyId === undefined) return undefined;
  const user = userIn(event.environment, rule.usersBy);
  const reason = user === undefined ? undefined : rule.reasonFor(user);
  return reason === undefined ? letIn(clientId, keyId) : refuse(clientId, keyId, rule.backoff, reason);
}

/** Sends the answer at once: until it comes the client stands still. */
export function keepDoor(management: Management, rule: DoorRule): (event: ClientEvent) => void {
  return (event) => {
    const answer = doorAnswer(event, rule);
    // Refused when the client has gone meanwhile; when the line is down, he asks again once it is up.
    if (answer !== undefined) void management.command(answer).catch(() => undefined);
  };
}

/** The account's name, as the status will show it; undefined for one that no account has. */
function userIn(
  environment: ReadonlyMap<string, string>,
  usersBy: DoorRule["usersBy"],
): UserName | undefined {
  const commonName = environment.get("common_name") ?? "";
  const signedInAs = environment.get("username") ?? "";
  const byUsername = usersBy === "username" || commonName === "" || commonName === NAMELESS;
  try {
    return userName((byUsername ? signedInAs : "") || commonName);
  } catch {
    return undefined;
  }
}

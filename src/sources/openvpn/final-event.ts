/**
 * A login's last figures as a server with `management-client-auth` tells them
 * itself, when the login ends: the environment that the hook would get.
 *
 * Pure: no clock, no I/O.
 */
import type { UnixTime } from "../../units.ts";
import type { FinalFigures } from "./final-figures.ts";
import { FINAL_KEYS, parseFinal } from "./final-format.ts";
import type { ClientEvent } from "./management-lines.ts";

/**
 * @param now when it was told.
 * @returns undefined for other events, and for the end of a client that never got through: its environment is empty.
 */
export function finalOfEvent(
  { event, clientId, environment }: ClientEvent,
  now: UnixTime,
): FinalFigures | undefined {
  if (event !== "DISCONNECT" || !environment.has("time_duration")) return undefined;
  const lines = FINAL_KEYS.map((key) => `${key}=${key === "format" ? "1" : (environment.get(key) ?? "")}`);
  try {
    return parseFinal(`${lines.join("\n")}\nend\n`, `event of client ${clientId}`, now);
  } catch {
    return undefined; // the hook's file says what there is to say of it
  }
}

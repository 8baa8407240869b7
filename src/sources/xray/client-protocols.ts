/**
 * By which protocols each user of an engine comes, as its config has it.
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import type { EngineConfig } from "./engine-config.ts";

/** @param config undefined where none is read. @returns protocols in lower case, in the file's order. */
export function protocolsByUser(config: EngineConfig | undefined): ReadonlyMap<UserName, readonly string[]> {
  const byUser = new Map<UserName, string[]>();
  for (const { protocol, clients } of config?.inbounds ?? []) {
    for (const { email } of clients) {
      const known = byUser.get(email);
      if (!known) byUser.set(email, [protocol]);
      else if (!known.includes(protocol)) known.push(protocol);
    }
  }
  return byUser;
}

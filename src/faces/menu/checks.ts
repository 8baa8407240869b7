/**
 * Why an answer in a menu will not do. Whether a user is there is seen when he
 * is looked up; here it is only whether there can be such a name.
 *
 * No clock, no state between calls; the rules of host names use Node's isIP().
 */
import { reasonOf } from "../../errors.ts";
import { serviceNamed } from "../../hosts/host-line.ts";
import { parseHostname } from "../../hosts/hostname.ts";
import { SERVICES } from "../../hosts/sighting.ts";
import { userName } from "../../names.ts";
import { ACCOUNT_TYPES } from "../legacy/account-types.ts";
import type { Check } from "./menu.ts";

/** @returns undefined when `answer` will do. */
export function refusalOf(check: Check, answer: string): string | undefined {
  return REFUSALS[check](answer);
}

const REFUSALS: Readonly<Record<Check, (answer: string) => string | undefined>> = {
  user: refusedName,
  name: refusedName,
  megabytes: (answer) =>
    /^\d{1,10}$/.test(answer) ? undefined : expected("whole megabytes, 0 for unlimited", answer),
  type: (answer) =>
    (ACCOUNT_TYPES as readonly string[]).includes(answer)
      ? undefined
      : expected(`one of ${ACCOUNT_TYPES.join(", ")}`, answer),
  host: (answer) => {
    const host = parseHostname(answer);
    return typeof host === "string"
      ? undefined
      : expected(`a public name or address (${host.refused})`, answer);
  },
  service: (answer) => (serviceNamed(answer) ? undefined : expected(`one of ${SERVICES.join(", ")}`, answer)),
  file: (answer) => (/^\/[^\0]+$/.test(answer) ? undefined : expected("a path from /", answer)),
};

function refusedName(answer: string): string | undefined {
  try {
    userName(answer);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function expected(what: string, answer: string): string {
  return `Cannot use ${JSON.stringify(answer.slice(0, 80))}: expected ${what}`;
}

/**
 * The comment lines by which shell scripts know their users in config.json.
 *
 *     #vms joe 2025-01-31
 *     },{"id": "...", "email": "joe"
 *
 * Scripts list, renew, expire and delete by the first line alone, so it is data:
 * Sluice reads it and never moves it. A mark says nothing about the engine; a
 * user without one works just the same.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import { type UserName, userName } from "../../names.ts";
import { type LocalDate, localDate } from "../../units.ts";

export interface UserMarker {
  /** The mark itself: "#vms". */
  readonly marker: string;
  readonly user: UserName;
  /** The script takes him out on this day. */
  readonly expires: LocalDate;
  /** Line in the file, from 1. */
  readonly line: number;
}

/** The marks in use, by script family. Their other comments ("#vless" anchors, prose) carry no user and no date. */
const MARKER_SETS = {
  blue: "#vls #vlsg #vlsx #vms #vmsg #vmsx ### #tr #trg #ssw #sswg #ss #ssg".split(" "),
  common: "### #& #! ## #!#".split(" "),
} as const;

const KNOWN = new Set<string>(Object.values(MARKER_SETS).flat());

/** A line that opens with "#" is always a comment in these files, as JSON's strings cannot span lines. */
export function readMarkers(text: string, problems: string[]): UserMarker[] {
  return text.split("\n").flatMap((content, index) => {
    const [, marker = "", user = "", expires = ""] = MARKER_LINE.exec(content) ?? [];
    if (!KNOWN.has(marker)) return [];
    try {
      return [{ marker, user: userName(user), expires: localDate(expires), line: index + 1 }];
    } catch (error) {
      problems.push(`line ${index + 1}: ${reasonOf(error)}`);
      return [];
    }
  });
}

const MARKER_LINE = /^\s*(#\S*)\s+(\S+)\s+(\d{4}-\d\d-\d\d)(?:\s|$)/;

/**
 * Finds the name that a DNS query asks for.
 *
 *   message  = id(2)  flags(2)  questions(2)  answers(2)  authorities(2)  additions(2)  question ...
 *   question = label<1>... 0(1)  type(2)  class(2)                                     RFC 1035 4.1
 *
 * A standard query has one question (RFC 9619). Its name is spelled out, as there is
 * nothing before it that a compression pointer could point to. What follows it,
 * EDNS options for one, is not looked at.
 *
 * Pure: no I/O, no state between calls.
 */
import { Cursor } from "./cursor.ts";
import type { SniffResult } from "./sniff-result.ts";

/** Set in answers, in operations other than QUERY, and with a result code. */
const NOT_A_QUERY = 0b1_1111_000_0000_1111;
const LONGEST_LABEL = 63;
/** With the lengths of its labels and the 0 at its end. */
const LONGEST_NAME = 255;

const TYPE_PTR = 12;
const CLASS_IN = 1;

/** A datagram, or a message over TCP without the length before it. */
export function parseDnsQuestion(message: Uint8Array): SniffResult {
  const cursor = new Cursor(message);
  cursor.skip(2);
  const flags = cursor.u16();
  const questions = cursor.u16();
  const answers = cursor.u16();
  const authorities = cursor.u16();
  cursor.skip(2);
  if (cursor.overrun) return { kind: "incomplete" };
  if ((flags & NOT_A_QUERY) !== 0 || questions !== 1 || answers !== 0 || authorities !== 0) {
    return { kind: "mismatch" };
  }

  const end = cursor.remaining - LONGEST_NAME;
  const labels: string[] = [];
  for (let length = cursor.u8(); length > 0; length = cursor.u8()) {
    if (length > LONGEST_LABEL || cursor.remaining - length <= end) return { kind: "mismatch" };
    // A dot within a label is none between two; with the backslash it is refused as a host.
    labels.push(cursor.text(length).replaceAll(".", "\\."));
  }
  const type = cursor.u16();
  const inClass = cursor.u16();
  if (cursor.overrun) return { kind: "incomplete" };
  // The root, other classes and the names of addresses are not hosts that anyone goes to.
  if (labels.length === 0 || type === TYPE_PTR || inClass !== CLASS_IN) return { kind: "no-host" };
  return { kind: "host", names: [{ name: labels.join("."), service: "DNS" }] };
}

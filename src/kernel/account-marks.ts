/**
 * How an account is called in the kernel.
 *
 * Every account has a number of its own, and a conntrack mark for each service
 * made from it: 0x51 in front, so that marks of others are never taken for ours.
 *
 *   mark = 0x51 (8 bits)  account number (21)  service (2)  reverse (1)
 *
 * A flow over the loopback passes this host's hooks at both of its ends, so its
 * mark also tells whose end is the user's: "reverse" where he is the responder.
 *
 * Pure: no clock, no I/O.
 */

/** Which keeper's flows a mark stands for. */
export const SERVICE_SSH = 0;
export const SERVICE_XRAY = 1;

export const MARK_PREFIX = 0x51000000;
export const MARK_PREFIX_MASK = 0xff000000;
/** Prefix, service and direction: whose mark it is, whatever the account. */
export const SERVICE_MASK = 0xff000007;
/** All of an account's number, whatever the service and the direction. */
export const ACCOUNT_MASK = 0xfffffff8;

export interface Marks {
  /** Flows the user opened, and those that leave this host. */
  readonly forward: number;
  /** Flows over the loopback that were opened towards the user. */
  readonly reverse: number;
}

/** @param number 1 to 2^21 - 1. */
export function marksOf(number: number, service: number): Marks {
  const forward = (MARK_PREFIX | (number << 3) | (service << 1)) >>> 0;
  return { forward, reverse: forward + 1 };
}

/** The account's number in one of its marks. */
export function numberOf(mark: number): number {
  return (mark >>> 3) & 0x1fffff;
}

/** Which keeper's flows one of its marks stands for: `SERVICE_SSH` or `SERVICE_XRAY`. */
export function serviceOf(mark: number): number {
  return (mark >>> 1) & 0b11;
}

/** Eight hex digits, as object names have them. */
export function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

export function uplinkCounter(marks: Marks): string {
  return `u${hex(marks.forward)}`;
}

export function downlinkCounter(marks: Marks): string {
  return `d${hex(marks.forward)}`;
}

export function quotaName(number: number): string {
  return `g${hex(number)}`;
}

/** The account's number in the name of its quota; undefined for any other name. */
export function numberOfQuota(name: string): number | undefined {
  return /^g[0-9a-f]{8}$/.test(name) ? Number.parseInt(name.slice(1), 16) : undefined;
}

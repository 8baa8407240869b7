/**
 * Versions of Xray that count wrongly, as their own trackers tell (facts: xray 7).
 *
 * Pure: no clock, no I/O.
 */
export interface CountingFault {
  /** First and last version that has it. */
  readonly from: string;
  readonly to: string;
  /** Whom it hits, as a clause. */
  readonly text: string;
  /** Whether whole downloads are counted wrongly, rather than now and then a connection. */
  readonly grave: boolean;
}

/** What the numbers can be relied on from. */
export const GOOD_VERSION = "26.7.11";

const FAULTS: readonly CountingFault[] = [
  { from: "1.5.9", to: "1.5.9", text: "users of Shadowsocks 2022 are not counted", grave: true },
  { from: "1.8.6", to: "1.8.8", text: "downloads of vision users are never counted", grave: true },
  {
    from: "25.8.29",
    to: "25.8.31",
    text: "users of socks and http inbounds are not counted",
    grave: true,
  },
  {
    from: "25.9.5",
    to: "25.12.8",
    text: "VLESS users without a flow may be counted twice (mux, XUDP)",
    grave: true,
  },
  {
    from: "1.0.0",
    to: "26.7.10",
    text: "of two first connections of a user at the same moment one may go uncounted",
    grave: false,
  },
];

/** @param version of Xray: "25.10.15". */
export function faultsOf(version: string): readonly CountingFault[] {
  const at = placeOf(version);
  return FAULTS.filter(({ from, to }) => placeOf(from) <= at && at <= placeOf(to));
}

/** A version as one number: its parts stay below 1,000. */
export function placeOf(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major * 1_000 + minor) * 1_000 + patch;
}

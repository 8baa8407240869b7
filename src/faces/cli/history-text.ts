/** How logins of the history are shown. */
import { localTimeText } from "../../calendar.ts";
import { durationText } from "../../duration-text.ts";
import type { LoginRecord } from "../../history/records.ts";
import { formatSize } from "../../sizes.ts";
import { bytes, type UnixTime, unixTime } from "../../units.ts";
import { type Column, tableText } from "./columns.ts";

const COLUMNS: readonly Column[] = [
  { title: "USER", align: "left", widest: 32 },
  { title: "SERVER", align: "left", widest: 16 },
  { title: "FROM", align: "left" },
  { title: "ADDRESS", align: "left" },
  { title: "BEGAN", align: "left" },
  { title: "ENDED", align: "left" },
  { title: "DURATION", align: "right" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
];

const NONE =
  "No login of that kind is in the history; what happened just now comes into it within half a minute.";

/** @param logins in the order they are to stand. */
export function loginsText(logins: readonly LoginRecord[], now: UnixTime, zone: string): string {
  if (logins.length === 0) return NONE;
  const inexact = logins.some(({ ended, exact }) => ended !== undefined && !exact)
    ? "\n* as it was last looked at: the server's own last figures did not come."
    : "";
  return `${loginsTable(logins, now, zone)}${inexact}`;
}

function loginsTable(logins: readonly LoginRecord[], now: UnixTime, zone: string): string {
  const time = (at: number) => localTimeText(unixTime(at), zone);
  return tableText(
    COLUMNS,
    logins.map((login) => {
      const { ended, exact } = login;
      const mark = ended === undefined || exact ? "" : "*";
      return [
        login.account,
        serverOf(login),
        login.realAddress || "-",
        addressesOf(login).join(" ") || "-",
        time(login.began),
        ended === undefined ? "-" : time(ended),
        durationText((ended ?? now) - login.began),
        `${formatSize(bytes(login.up))}${mark}`,
        `${formatSize(bytes(login.down))}${mark}`,
      ];
    }),
  );
}

/** As `--json` has it; the names of `openvpn sessions --json`. */
export function loginJson(login: LoginRecord): object {
  return {
    user: login.account,
    server: serverOf(login),
    realAddress: login.realAddress,
    addresses: addressesOf(login),
    sinceMs: login.began,
    endedMs: login.ended ?? null,
    uplinkBytes: login.up,
    downlinkBytes: login.down,
    exact: login.exact,
  };
}

function addressesOf({ address4, address6 }: LoginRecord): string[] {
  return [address4, address6].filter((address) => address !== "");
}

function serverOf({ keeper }: LoginRecord): string {
  return keeper.replace(/^openvpn:/, "");
}

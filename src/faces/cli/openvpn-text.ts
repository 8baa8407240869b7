/** How OpenVPN servers and logins are shown. */
import { localTimeText } from "../../calendar.ts";
import type { OpenvpnLoginRow, OpenvpnServerRow } from "../../control/rows.ts";
import { durationText } from "../../duration-text.ts";
import { printable } from "../../log.ts";
import { formatSize } from "../../sizes.ts";
import { type Bytes, type UnixTime, unixTime } from "../../units.ts";
import { type Column, tableText } from "./columns.ts";

const SESSION_COLUMNS: readonly Column[] = [
  { title: "USER", align: "left", widest: 32 },
  { title: "SERVER", align: "left", widest: 16 },
  { title: "FROM", align: "left" },
  { title: "ADDRESS", align: "left" },
  { title: "SINCE", align: "left" },
  { title: "DURATION", align: "right" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
  { title: "STATE", align: "left" },
];

/** @param rows in the order they are to stand. */
export function sessionsTable(rows: readonly OpenvpnLoginRow[], now: UnixTime, zone: string): string {
  return tableText(
    SESSION_COLUMNS,
    rows.map((row) => [
      row.user,
      row.server,
      row.realAddress,
      row.addresses.join(" ") || "-",
      localTimeText(unixTime(row.sinceMs), zone),
      durationText(now - row.sinceMs),
      size(row.uplinkBytes),
      size(row.downlinkBytes),
      row.denied ? "denied" : "ok",
    ]),
  );
}

export function serversText(rows: readonly OpenvpnServerRow[], zone: string): string {
  if (rows.length === 0) return NO_SERVER;
  return rows.map((row) => printedLines(serverLines(row, zone))).join("\n\n");
}

/** For a line above a menu: who does not answer, else how many are logged in. */
export function briefText(rows: readonly OpenvpnServerRow[]): string {
  if (rows.length === 0) return "no server";
  const silent = rows.filter(({ answering }) => !answering).map(({ name }) => name);
  const logins = rows.reduce((sum, row) => sum + row.logins, 0);
  return [
    counted(logins, "login"),
    ...(silent.length > 0 ? [`no answer from ${silent.join(", ")}`] : []),
  ].join("; ");
}

const NO_SERVER =
  "No OpenVPN server: none is in the settings, or none runs on this host (sluice openvpn setup)";

function serverLines(row: OpenvpnServerRow, zone: string): readonly string[] {
  const last = row.lastLookMs === 0 ? "never" : localTimeText(unixTime(row.lastLookMs), zone);
  const health = row.answering ? "answers" : `DOES NOT ANSWER (${row.trouble})`;
  const what = [row.version, row.pid > 0 ? `pid ${row.pid}` : ""].filter((text) => text !== "");
  return [
    [`${row.name}: ${health}`, ...what].join(", "),
    `  ${counted(row.logins, "login")}, ${row.pending} at the door; last look ${last}, every ${row.periodMs} ms`,
    ...(row.from === "status-file" ? [] : managedLines(row)),
    ...row.notes.map((note) => `  - ${note}`),
  ];
}

/** What a server with a management interface can be asked for, and cut by. */
function managedLines({ dco, gated, hooked }: OpenvpnServerRow): readonly string[] {
  return [
    dco
      ? "  The kernel moves the packets (data channel offload)."
      : "  The server moves the packets itself (no data channel offload).",
    gated
      ? "  Gates: stand on the clients' tunnel addresses."
      : "  Gates: NONE; a user is cut at his limit, at the next look.",
    hooked
      ? "  Hooks: the server tells each login's last figures."
      : "  Hooks: no login's last figures were told since the daemon started.",
  ];
}

function printedLines(lines: readonly string[]): string {
  return lines.map(printable).join("\n");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function size(value: number): string {
  return formatSize(value as Bytes);
}

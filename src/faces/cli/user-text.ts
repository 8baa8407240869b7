/** How users are shown: one table for `users`, `top` and `up`, one block for `user NAME`. */
import type { UserRow } from "../../control/rows.ts";
import { formatRate, formatSize } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { type Column, tableText } from "./columns.ts";

const COLUMNS: readonly Column[] = [
  { title: "USER", align: "left", widest: 32 },
  { title: "TODAY", align: "right" },
  { title: "USED", align: "right" },
  { title: "LIMIT", align: "right" },
  { title: "REMAINING", align: "right" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
  { title: "STATE", align: "left" },
];

export function usersTable(rows: readonly UserRow[]): string {
  return tableText(
    COLUMNS,
    rows.map((row) => [
      row.name,
      size(row.dailyBytes),
      size(row.totalBytes),
      limitOf(row),
      row.remainingBytes < 0 ? "∞" : size(row.remainingBytes),
      formatRate(row.uplinkRate),
      formatRate(row.downlinkRate),
      stateOf(row),
    ]),
  );
}

/** The limits in one cell: the total, the daily, or both. */
export function limitOf(row: UserRow): string {
  const { totalLimitBytes: total, dailyLimitBytes: daily } = row;
  if (total === 0 && daily === 0) return "unlimited";
  return [total > 0 ? size(total) : "", daily > 0 ? `${size(daily)}/day` : ""]
    .filter((part) => part !== "")
    .join(" ");
}

/** What the verdict is and what came of it: "limited (cut)". */
export function stateOf(row: UserRow): string {
  if (row.gate === "") return row.state;
  return `${row.state} (${row.gate.replace(/^[^:]+: (cut|cutting)$/, "$1")})`;
}

export function userBlock(row: UserRow): string {
  const lines: readonly (readonly [string, string])[] = [
    ["User", row.name],
    ["State", stateOf(row)],
    ["Services", row.services.join(", ") || "none seen yet"],
    ["Limit", limitOf(row)],
    ["Period", `${row.period}, since ${row.periodStart}`],
    ["Used", `${size(row.totalBytes)} counted (${both(row.totalUplinkBytes, row.totalDownlinkBytes)})`],
    [
      "Today",
      `${size(row.dailyBytes)} counted (${both(row.dailyUplinkBytes, row.dailyDownlinkBytes)}), ${row.day}`,
    ],
    ["Remaining", row.remainingBytes < 0 ? "unlimited" : size(row.remainingBytes)],
    ["Ever", both(row.lifetimeUplinkBytes, row.lifetimeDownlinkBytes)],
    ["Rate", `${formatRate(row.uplinkRate)} up, ${formatRate(row.downlinkRate)} down`],
    ...(row.unreportedBytes > 0
      ? [
          [
            "Running",
            `about ${size(row.unreportedBytes)} more, an estimate by his sockets: the engine counts it when it ends`,
          ] as const,
        ]
      : []),
    ...row.stops.map(({ keeper, step, text }) => ["At limit", `${step} at ${keeper} (${text})`] as const),
  ];
  return lines.map(([label, value]) => `${label.padEnd(10)} ${value}`).join("\n");
}

function both(uplink: number, downlink: number): string {
  return `${size(uplink)} up, ${size(downlink)} down`;
}

function size(value: number): string {
  return formatSize(value as Bytes);
}

/**
 * The two monitors of users: ours, and the old `realtime-bandwidth`.
 *
 * Pure: no clock, no I/O.
 */
import { COLUMNS, OLD_COLUMNS } from "./users-columns.ts";
import type { UsersLook } from "./users-page.ts";

export const ALL_USERS: Omit<UsersLook, "title"> = {
  footer: () => [],
  columns: COLUMNS,
  gap: 2,
  sort: "rate",
  limitedOnly: false,
  empty: "No users yet",
};

export const REALTIME_BANDWIDTH: UsersLook = {
  title: () => "REAL-TIME BANDWIDTH USAGE MONITOR",
  footer: () => ["Press Ctrl+C to exit real-time monitoring"],
  columns: OLD_COLUMNS,
  gap: 1,
  sort: "name",
  limitedOnly: true,
  empty: "No users with bandwidth limits configured",
};

/**
 * Where the web keeps what is its own, beside the daemon's data folder.
 *
 * Pure: no clock, no I/O.
 */
import type { Settings } from "./config.ts";

export function webFolder({ dataDirectory }: Pick<Settings, "dataDirectory">): string {
  return `${dataDirectory}-web`;
}

export function webDatabasePath(settings: Pick<Settings, "dataDirectory">): string {
  return `${webFolder(settings)}/web.db`;
}

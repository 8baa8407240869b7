/**
 * Where the old panel and the older monitors keep things: options first, then the
 * environment names they go by, then the places they use by themselves.
 */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { RefusedRequestError, reasonOf, unlessMissing } from "../../errors.ts";
import type { StoredFile } from "../../history/owpanel-sessions.ts";

export interface StoreOptions {
  /** The database of quotas and traffic. */
  readonly db?: string;
  /** session_history.json. */
  readonly history?: string;
  /** active_sessions.json. */
  readonly sessions?: string;
}

export type Store = keyof StoreOptions;

const PLACES: Readonly<Record<Store, { readonly name: string; readonly usual: string }>> = {
  db: { name: "DATABASE_FILE", usual: "/etc/owpanel/openvpn_data/vpn_manager.db" },
  history: { name: "OPENVPN_HISTORY_LOG", usual: "/app/data/session_history.json" },
  sessions: { name: "OPENVPN_ACTIVE_SESSIONS", usual: "/app/data/active_sessions.json" },
};
/** Larger ones are none of theirs: they rotate after 90 days. */
const LONGEST_FILE = 256 * 1024 * 1024;

/** @param environment of the process. */
export function storePath(
  store: Store,
  options: StoreOptions,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly path: string; readonly named: boolean } {
  const { name, usual } = PLACES[store];
  const named = options[store] ?? (environment[name] || undefined);
  return { path: resolve(named ?? usual), named: named !== undefined };
}

/** @returns undefined where there is none and nobody named it. @throws {RefusedRequestError} naming the file. */
export async function readStore(
  store: "history" | "sessions",
  options: StoreOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<StoredFile | undefined> {
  const path = await presentStore(store, options, environment);
  if (path === undefined) return undefined;
  try {
    const { size, mtimeMs } = await stat(path);
    if (size > LONGEST_FILE) throw new RangeError(`expected at most ${LONGEST_FILE} bytes, got ${size}`);
    return { path, text: await readFile(path, "utf8"), writtenAt: mtimeMs };
  } catch (error) {
    throw new RefusedRequestError(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  }
}

/** The path of a store that is there. @throws {RefusedRequestError} for one that was named and is not. */
export async function presentStore(
  store: Store,
  options: StoreOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const { path, named } = storePath(store, options, environment);
  const stats = await unlessMissing(stat(path));
  if (stats?.isFile()) return path;
  if (!named && !stats) return undefined;
  throw new RefusedRequestError(
    `Cannot import "${path}": expected a file, got ${stats ? "something else" : "nothing"}`,
  );
}

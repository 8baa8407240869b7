/**
 * Changes the settings file for the web, and has the daemon take it over.
 *
 * The whole file is checked as it would be read, before a byte of it is
 * written; changes wait for each other.
 */
import { readFile } from "node:fs/promises";
import { DEFAULT_PATH, parseSettings, type Settings, settingsIn } from "../config.ts";
import type { Environment } from "../config-environment.ts";
import type { SettingChange, SettingRow } from "../control/rows.ts";
import { RefusedRequestError, reasonOf, UnreachableError, unlessMissing } from "../errors.ts";
import { withChange } from "../settings-text.ts";
import type { EventFile } from "../storage/events.ts";
import { writeSettings } from "../storage/settings-file.ts";
import { settingRows } from "./setting-rows.ts";

export interface SettingsEditorOptions {
  /** Those in force. */
  readonly settings: Settings;
  /** As the daemon reads it beside the file. */
  readonly environment: Environment;
  readonly events: Pick<EventFile, "record">;
  /**
   * Reads the file anew and takes it over, which ends all conversations, or answers that it cannot be; undefined
   * where nobody does.
   */
  readonly takeOver: (() => Promise<boolean>) | undefined;
}

/** The answer goes out before the conversation ends. */
const ANSWER_MS = 100;
const LONGEST_VALUE = 1_000;

export class SettingsEditor {
  readonly #options: SettingsEditorOptions;
  readonly #defaults = parseSettings("defaults", {}, {}, "UTC");
  #settings: Settings;
  #last: Promise<unknown> = Promise.resolve();
  /** The changes that were written are about to be taken over. */
  #waiting: NodeJS.Timeout | undefined;
  /** They are being taken over: what were written now could be missed. */
  #leaving = false;

  constructor(options: SettingsEditorOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  rows(): readonly SettingRow[] {
    return settingRows(this.#settings, this.#defaults);
  }

  /** @throws {RefusedRequestError} naming what was expected and what was got; nothing is written then. */
  change(changes: readonly SettingChange[], by: string): Promise<readonly SettingRow[]> {
    const changed = this.#last.then(() => this.#change(changes, by));
    this.#last = changed.catch(() => undefined);
    return changed;
  }

  async #change(changes: readonly SettingChange[], by: string): Promise<readonly SettingRow[]> {
    const { environment, events, takeOver } = this.#options;
    if (!takeOver) throw refusal("this daemon takes no settings over while it runs");
    if (this.#leaving) throw new UnreachableError("Cannot change the settings: others are being taken over");
    this.#refuseOthers(changes);
    const path = this.#settings.path ?? DEFAULT_PATH;
    const before = await unlessMissing(readFile(path, "utf8"));
    const { text, settings } = checked(path, before ?? "{\n}\n", changes, environment);
    if (text === before) return this.rows();
    await writeSettings(path, text);
    this.#settings = settings;
    const said = changes.map(({ key, value }) => `${key} ${value === "" ? "left out" : value}`).join(", ");
    events.record("settings-changed", `Settings changed by ${by}: ${said}`, { by });
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => void this.#leave(takeOver), ANSWER_MS).unref();
    return this.rows();
  }

  async #leave(takeOver: () => Promise<boolean>): Promise<void> {
    this.#leaving = true;
    this.#leaving = await takeOver();
  }

  #refuseOthers(changes: readonly SettingChange[]): void {
    const known = this.rows().map(({ key }) => key);
    for (const [at, { key, value }] of changes.entries()) {
      if (!known.includes(key)) {
        throw refusal(`expected one of ${known.join(", ")}, got ${JSON.stringify(key.slice(0, 80))}`);
      }
      if (changes.findIndex((each) => each.key === key) < at) throw refusal(`got ${key} more than once`);
      if (value.length > LONGEST_VALUE) {
        throw refusal(`${key}: expected at most ${LONGEST_VALUE} characters of JSON, got ${value.length}`);
      }
    }
  }
}

/** The text as it is to be, and what it says. @throws {RefusedRequestError} */
function checked(
  path: string,
  before: string,
  changes: readonly SettingChange[],
  environment: Environment,
): { readonly text: string; readonly settings: Settings } {
  try {
    const text = changes.reduce(
      (changing, { key, value }) =>
        withChange(changing, { path: key.split("."), literal: literalOf(key, value) }),
      before,
    );
    return { text, settings: settingsIn(path, text, environment) };
  } catch (error) {
    throw error instanceof RefusedRequestError ? error : refusal(reasonOf(error), error);
  }
}

function literalOf(key: string, value: string): string | undefined {
  if (value === "") return undefined;
  try {
    return JSON.stringify(JSON.parse(value));
  } catch (cause) {
    throw refusal(`${key}: expected JSON, got ${JSON.stringify(value.slice(0, 80))}`, cause);
  }
}

function refusal(why: string, cause?: unknown): RefusedRequestError {
  return new RefusedRequestError(`Cannot change the settings: ${why}`, { cause });
}

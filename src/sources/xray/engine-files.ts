/**
 * The engine's config file as it is now: found once, read again when it changed.
 *
 * A file that cannot be read or parsed keeps the last good reading and says so;
 * scripts write it in place, and half a file must not look like no users.
 */
import { readFile, stat } from "node:fs/promises";
import { reasonOf } from "../../errors.ts";
import { type LocationHints, locateEngineConfig } from "./config-location.ts";
import { type EngineConfig, readEngineConfig } from "./engine-config.ts";

export class EngineFiles {
  readonly #setting: string | null;
  readonly #hints: () => LocationHints;
  #path: string | undefined;
  #stamp = "";
  #config: EngineConfig | undefined;
  /** Why the file cannot be used at present. */
  trouble: string | undefined;

  /** @param setting `xray.config`: a path, "auto", or null for none. */
  constructor(setting: string | null, hints: () => LocationHints) {
    this.#setting = setting;
    this.#hints = hints;
  }

  get path(): string | undefined {
    return this.#path;
  }

  /** The last good reading; undefined if there is no file, or none was ever readable. */
  get config(): EngineConfig | undefined {
    return this.#config;
  }

  /** Looks at the file. @returns true when `config` is another than before. */
  async refresh(): Promise<boolean> {
    if (this.#setting === null) return false;
    this.#path = this.#setting === "auto" ? await locateEngineConfig(this.#hints()) : this.#setting;
    if (this.#path === undefined) {
      this.trouble = "no config file was found";
      return false;
    }
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const stamp = `${this.#path} ${mtimeMs} ${size} ${ino}`;
      if (stamp === this.#stamp) return false;
      this.#config = readEngineConfig(await readFile(this.#path, "utf8"));
      this.#stamp = stamp;
      this.trouble = undefined;
      return true;
    } catch (error) {
      this.trouble = reasonOf(error);
      return false;
    }
  }
}

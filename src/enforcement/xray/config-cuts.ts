/**
 * The way to cut a user where the running engine cannot be told: his secret in
 * config.json is made useless and the engine restarted, once for all users due.
 *
 * A restart ends everybody's connections, so it is rare: changes are gathered
 * for a moment and two restarts lie at least a minute apart. What is taken out
 * is saved before the file is touched, because nothing else knows it.
 */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../clock.ts";
import type { HeldAccess } from "../../ledger/account.ts";
import type { KeeperName, UserName } from "../../names.ts";
import { type Milliseconds, milliseconds, monotonicTime } from "../../units.ts";
import { editConfigFile } from "./config-file.ts";
import { freshSecret } from "./fresh-secret.ts";
import { type HeldSecret, planNeutralise, restoreHeld } from "./neutralise.ts";

export type Neutralised = Extract<HeldAccess, { kind: "neutralised" }>;

export interface ConfigCutsOptions {
  readonly keeper: KeeperName;
  readonly clock: Clock;
  /** The config's path; undefined while it is not known. */
  readonly path: () => string | undefined;
  /** Throws unless the engine would start with this file. */
  readonly test: (candidatePath: string) => Promise<void>;
  /** Reads the counters one last time, then restarts the engine. */
  readonly restart: () => Promise<void>;
  /** Saves what was taken out, and resolves when it is on the disk. */
  readonly save: (user: UserName, held: readonly Neutralised[]) => Promise<void>;
  /** The least time between two restarts. */
  readonly spacing: Milliseconds;
}

/** How long due users are gathered before the first restart. */
const GATHER = milliseconds(200);

interface Request {
  readonly user: UserName;
  /** Places in the file's list of inbounds; undefined to restore. */
  readonly inbounds: ReadonlySet<number> | undefined;
  readonly held: readonly Neutralised[];
  readonly done: (result: readonly Neutralised[]) => void;
  readonly failed: (error: unknown) => void;
}

export class ConfigCuts {
  readonly #options: ConfigCutsOptions;
  #due: Request[] = [];
  #restartedAt = monotonicTime(Number.NEGATIVE_INFINITY);
  #running = false;

  constructor(options: ConfigCutsOptions) {
    this.#options = options;
  }

  /** Neutralises the user in these inbounds. Resolves after the restart with what is held then. */
  cut(
    user: UserName,
    inbounds: ReadonlySet<number>,
    held: readonly Neutralised[],
    signal: AbortSignal,
  ): Promise<readonly Neutralised[]> {
    return this.#request({ user, inbounds, held }, signal);
  }

  /** Puts back what still holds our value. Resolves after the restart; entries that others changed stay theirs. */
  restore(
    user: UserName,
    held: readonly Neutralised[],
    signal: AbortSignal,
  ): Promise<readonly Neutralised[]> {
    return this.#request({ user, inbounds: undefined, held }, signal);
  }

  #request(
    parts: Pick<Request, "user" | "inbounds" | "held">,
    signal: AbortSignal,
  ): Promise<readonly Neutralised[]> {
    return new Promise((resolve, reject) => {
      this.#due.push({ ...parts, done: resolve, failed: reject });
      if (!this.#running) void this.#work(signal); // every request hears of its own end
    });
  }

  async #work(signal: AbortSignal): Promise<void> {
    this.#running = true;
    await this.#workOff(signal);
    this.#running = false;
  }

  async #workOff(signal: AbortSignal): Promise<void> {
    const { clock, spacing } = this.#options;
    while (this.#due.length > 0) {
      const early = this.#restartedAt + spacing - clock.monotonic();
      try {
        await clock.sleep(milliseconds(Math.max(GATHER, early)), signal);
      } catch (error) {
        for (const request of this.#due.splice(0)) request.failed(error);
        return;
      }
      const batch = this.#due.splice(0);
      try {
        await this.#carryOut(batch);
      } catch (error) {
        if (wasOvertaken(error)) this.#due.unshift(...batch);
        else for (const request of batch) request.failed(error);
      }
    }
  }

  async #carryOut(batch: readonly Request[]): Promise<void> {
    const { path, test, restart, save, clock } = this.#options;
    const file = path();
    if (file === undefined)
      throw new Error("Cannot cut in config.json: the engine's config file is not known");

    // What is saved must be what the edit takes out, so the text that was planned on is the only one edited.
    const before = await readFile(file, "utf8");
    const planned = planOf(before, batch, this.#options.keeper);
    for (const [request, held] of planned) {
      if (request.inbounds !== undefined) await save(request.user, [...request.held, ...held]);
    }
    const { changed } = await editConfigFile({
      path: file,
      edit: (text) => {
        if (text !== before) throw new Overtaken();
        return edited(text, planned);
      },
      test,
      now: clock.unix(),
    });
    if (changed) {
      this.#restartedAt = clock.monotonic();
      await restart();
    }
    for (const [request, held] of planned) {
      request.done(request.inbounds === undefined ? [] : [...request.held, ...held]);
    }
  }
}

/** Another program changed the file after it was planned on: plan anew. */
class Overtaken extends Error {
  override readonly name = "Overtaken";
}

function wasOvertaken(error: unknown): boolean {
  return error instanceof Error && (error instanceof Overtaken || wasOvertaken(error.cause));
}

type Planned = readonly (readonly [Request, readonly Neutralised[]])[];

function planOf(text: string, batch: readonly Request[], keeper: KeeperName): Planned {
  return batch.map((request) => {
    if (request.inbounds === undefined) return [request, []] as const;
    const places = new Set(request.held.map(({ inbound }) => inbound.index));
    const fresh = new Set([...request.inbounds].filter((index) => !places.has(index)));
    const { held } = planNeutralise(text, new Set([request.user]), fresh, freshSecret);
    return [request, held.map((secret) => ({ kind: "neutralised", keeper, ...secret }) as const)] as const;
  });
}

/** Applies the plan to the text as it is now, with the secrets that were saved. */
function edited(text: string, planned: Planned): string {
  let result = text;
  for (const [request, held] of planned) {
    if (request.inbounds === undefined) {
      result = restoreHeld(result, request.held as readonly HeldSecret[]).text;
      continue;
    }
    for (const secret of held) {
      const inbound = new Set([secret.inbound.index]);
      result = planNeutralise(result, new Set([request.user]), inbound, () => secret.ours).text;
    }
  }
  return result;
}

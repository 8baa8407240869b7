/** `gates load` and `gates remove`: the kernel's part of Sluice while no daemon runs. */
import type { Settings } from "../../config.ts";
import { openOffice } from "../../enforce.ts";
import { StateInUseError } from "../../errors.ts";
import { printable } from "../../log.ts";
import type { UserName } from "../../names.ts";
import { releaseEverybody } from "./release.ts";
import { quietLog, settingsFor } from "./settings-for.ts";

interface Options {
  readonly config?: string;
}

/** A running daemon has them loaded: then there is nothing to do. */
export async function loadGates(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  if (settings.mode === "observe") return say("Observing: no gate is set.");
  try {
    await using office = await openOffice({ settings, log: quietLog, mode: settings.mode, wait: undefined });
    const obstacle = await office.loadGates();
    say(obstacle === undefined ? "The gates of all accounts are in the kernel." : `No gates: ${obstacle}.`);
  } catch (error) {
    if (!(error instanceof StateInUseError)) throw error;
    say("The daemon runs: it keeps the gates.");
  }
}

/**
 * @returns who was to be let in and stays cut.
 * @throws {StateInUseError} while the daemon runs: it would put everything back.
 */
export async function removeGates(
  options: Options & { readonly release?: boolean },
): Promise<readonly UserName[]> {
  const settings = await settingsFor(options);
  const left = options.release ? await letIn(settings) : [];
  await using office = await openOffice({ settings, log: quietLog, mode: "enforce", wait: undefined });
  const unseen = await office.removeGates();
  say(
    unseen.length === 0
      ? "Nothing of Sluice's is in the kernel any more."
      : `What could be looked at has nothing of Sluice's any more. Not looked at: ${unseen.join("; ")}`,
  );
  return left;
}

async function letIn(settings: Settings): Promise<UserName[]> {
  const { released, left } = await releaseEverybody(settings);
  if (released.length > 0) say(`Let in: ${released.map(printable).join(", ")}.`);
  for (const { name, why } of left) say(`${printable(name)} stays cut: ${why}.`);
  if (left.length > 0) process.exitCode = 1;
  return left.map(({ name }) => name);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** `gates load` and `gates remove`: the kernel's part of Sluice while no daemon runs. */
import { openOffice } from "../../enforce.ts";
import { StateInUseError } from "../../errors.ts";
import { printable } from "../../log.ts";
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

/** @throws {StateInUseError} while the daemon runs: it would put everything back. */
export async function removeGates(options: Options & { readonly release?: boolean }): Promise<void> {
  const settings = await settingsFor(options);
  if (options.release) {
    const { released, left } = await releaseEverybody(settings);
    if (released.length > 0) say(`Let in: ${released.map(printable).join(", ")}.`);
    for (const { name, why } of left) say(`${printable(name)} stays cut: ${why}.`);
    if (left.length > 0) process.exitCode = 1;
  }
  await using office = await openOffice({ settings, log: quietLog, mode: "enforce", wait: undefined });
  const unseen = await office.removeGates();
  if (unseen.length === 0) return say("Nothing of Sluice's is in the kernel any more.");
  say(`What could be looked at has nothing of Sluice's any more. Not looked at: ${unseen.join("; ")}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

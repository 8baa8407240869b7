/**
 * `xray last-look`: what systemd runs right before it stops an engine. Sluice
 * must never keep an engine from stopping, so without a daemon that answers in
 * time it says so and that is all.
 */
import { ControlClient } from "../../control/client.ts";
import { UnreachableError } from "../../errors.ts";
import { controlPath } from "./access.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly engine: string;
}

/** @throws {RefusedRequestError} when the daemon knows no engine of that name. */
export async function takeLastLook(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  using client = new ControlClient(controlPath(settings));
  try {
    const reply = await client.lastLook(options.engine);
    answer(options, reply, () => reply.text);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    answer(
      options,
      { held: false, waitedMs: 0, text: error.message },
      () => `No last look: ${error.message}`,
    );
  }
}

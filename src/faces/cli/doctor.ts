/** `doctor`: what keeps the daemon from counting or gating somebody, one finding a line. */
import { UnreachableError } from "../../errors.ts";
import { controlPath, daemonDesk, settingsFor } from "./access.ts";
import { answer } from "./output.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

/** Exit status 0 whatever it finds: findings are facts of the host, not failures of the command. */
export async function showDoctor(options: Options): Promise<void> {
  const settings = await settingsFor(options);
  const daemon = await daemonDesk(settings);
  if (!daemon) {
    throw new UnreachableError(
      `Cannot ask the daemon at ${controlPath(settings)}: it is not running, or you may not ask it (root may). Start it with: sluice enforce`,
    );
  }
  using _client = daemon.client;
  const findings = daemon.status.sources.flatMap(({ name, answering, trouble, notes }) => [
    ...(answering ? [] : [{ source: name, finding: trouble === "" ? "has not answered yet" : trouble }]),
    ...notes.map((finding) => ({ source: name, finding })),
  ]);
  if (daemon.status.saveTrouble !== "") {
    findings.unshift({ source: "disk", finding: daemon.status.saveTrouble });
  }
  answer(options, findings, () =>
    findings.length === 0
      ? "Nothing to report: all sources answer, and everybody they know is counted and gated."
      : findings.map(({ source, finding }) => `${source}: ${finding}`).join("\n"),
  );
}

/** `doctor`: what keeps the daemon from counting or gating somebody, one finding a line. */
import type { UserRow } from "../../control/rows.ts";
import { UnreachableError } from "../../errors.ts";
import { controlPath, daemonDesk } from "./access.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

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
  findings.push(...stopFindings(await daemon.client.listUsers("")));
  if (daemon.status.saveTrouble !== "") {
    findings.unshift({ source: "disk", finding: daemon.status.saveTrouble });
  }
  answer(options, findings, () =>
    findings.length === 0
      ? "Nothing to report: all sources answer, and everybody they know is counted and gated."
      : findings.map(({ source, finding }) => `${source}: ${finding}`).join("\n"),
  );
}

/** Accounts that no gate stops, together where the reason is the same. */
function stopFindings(rows: readonly UserRow[]): { readonly source: string; readonly finding: string }[] {
  const short = rows.flatMap(({ name, stops }) => stops.map((stop) => ({ name, ...stop })));
  const groups = Map.groupBy(
    short.filter(({ step }) => step !== "gate"),
    ({ keeper, step, text }) => JSON.stringify([keeper, step, text]),
  );
  return [...groups.values()].map((group) => {
    const [{ keeper, step, text }] = group as [(typeof group)[number]];
    const names = group.slice(0, NAMED).map(({ name }) => name);
    const others = group.length > NAMED ? ` and ${group.length - NAMED} more` : "";
    const what = step === "cut" ? "cut at the limit" : "only reported at the limit";
    return { source: keeper, finding: `${names.join(", ")}${others}: ${what} (${text})` };
  });
}

const NAMED = 5;

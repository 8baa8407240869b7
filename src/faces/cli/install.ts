/** `install`: what install.sh runs once it has found a Node. */
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { RefusedRequestError } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { carryOut } from "../install/carry-out.ts";
import { CAPTURE, ENFORCER, GATES, UNITS, WEB } from "../install/layout.ts";
import { isThere, KEPT } from "../install/program-folder.ts";
import { type InstallOptions, isDone, type Proposal, propose } from "../install/proposal.ts";
import { proposalText } from "../install/proposal-text.ts";
import { readRecord } from "../install/record.ts";
import { servicesOf } from "../install/services.ts";
import { findShellScripts, type ShellScripts } from "../install/shell-scripts.ts";
import type { CommandNode } from "./command-tree.ts";
import { completionScript } from "./completion.ts";
import { agrees } from "./consent.ts";
import { manPage } from "./man-page.ts";

export interface InstallFlags {
  readonly root: string;
  readonly node: string;
  readonly copyNode?: boolean;
  readonly nodeOrigin: string;
  readonly yes?: boolean;
  readonly mode?: "observe" | "enforce";
  readonly capture?: boolean;
  readonly web?: boolean;
  readonly import?: boolean;
}

const CEASE = "Nothing was changed.\n";
const IMPORT = "sluice import legacy";

/** @throws {RefusedRequestError} when it may not, or something is in the way; nothing has changed then. */
export async function runInstall(flags: InstallFlags, tree: CommandNode): Promise<void> {
  const root = resolve(flags.root);
  if (process.getuid?.() !== 0) throw new RefusedRequestError("Cannot install: expected root (sudo)");
  const services = servicesOf(root);
  const options: InstallOptions = {
    ...{ root, services },
    source: realpathSync(fileURLToPath(new URL("../../../", import.meta.url))),
    version: VERSION,
    node: flags.node,
    copyNode: flags.copyNode === true,
    completion: completionScript(tree),
    manPage: manPage({ tree, version: VERSION }),
  };
  if (!flags.yes)
    say(`Sluice ${VERSION}. Nothing is changed before you agree to the list of what will be.\n`);
  const scripts = await findShellScripts(root);
  const proposal = await propose(options, await choicesFor(root, flags, scripts), scripts);
  if (isDone(proposal)) return say(`Sluice ${VERSION} is installed, and all is as it should be.\n`);
  say(textOf(options, proposal, flags.nodeOrigin));
  if (!(await agrees("Go on?", flags.yes))) return say(CEASE);
  await importLimits(options, scripts, flags);
  // Half an installation helps nobody: a terminal that goes away does not end it.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => say("Finishing first.\n"));
  await carryOut(options, proposal);
  say(`Sluice ${VERSION} is installed.\n`);
  if (proposal.settings === "observe")
    say('It observes: it cuts nobody until "mode" is "enforce" in /etc/myvpn/sluice.json.\n');
}

/** An installation that is there keeps what its operator switched on. */
async function choicesFor(root: string, flags: InstallFlags, scripts: ShellScripts) {
  const record = await readRecord(root);
  const mode = flags.mode ?? (await firstMode(flags, record !== undefined));
  if (record) {
    const enabled: string[] = [];
    for (const unit of [GATES, ENFORCER, CAPTURE, WEB]) {
      const path = `${UNITS}/multi-user.target.wants/${unit}`;
      const planned = !record.complete && record.links.some((link) => link.path === path);
      if (planned || (await isThere(`${root}${path}`))) enabled.push(unit);
    }
    return { mode, enabled };
  }
  const capture =
    flags.capture ??
    (scripts.captured ||
      (await agrees("Capture the names that clients ask for, too (needs tcpdump)?", flags.yes && false)));
  const web =
    flags.web ??
    (await agrees("Run the dashboard, for this host alone (127.0.0.1:8787)?", flags.yes && false));
  return { mode, enabled: [GATES, ENFORCER, ...(capture ? [CAPTURE] : []), ...(web ? [WEB] : [])] };
}

/** Nobody is cut by an installation alone. */
async function firstMode(flags: InstallFlags, known: boolean): Promise<"observe" | "enforce"> {
  if (known || flags.yes) return "observe";
  const question = "Cut users at their limits from the start? (no: observe first, and touch nobody)";
  return (await agrees(question, undefined)) ? "enforce" : "observe";
}

/** Before the services of the shell scripts are stopped: their limits are theirs until then. */
async function importLimits(
  { node, source, services }: InstallOptions,
  scripts: ShellScripts,
  flags: InstallFlags,
): Promise<void> {
  if (!scripts.limits) return;
  const wanted =
    services &&
    (flags.import ?? (await agrees("Import the limits of the shell scripts now?", flags.yes && false)));
  if (!wanted) return say(`The limits of the shell scripts wait for: ${IMPORT}\n`);
  const words = [`${source}/dist/cli.js`, "import", "legacy", ...(flags.yes ? ["--yes"] : [])];
  const { status } = spawnSync(node, words, { stdio: "inherit" });
  if (status !== 0) throw new Error(`Cannot import the limits of the shell scripts: ${IMPORT} failed`);
}

function textOf(options: InstallOptions, proposal: Proposal, nodeOrigin: string): string {
  const { program, record, settings, steps, asides, dropped, changed, node, running, enabled } = proposal;
  const bytes = [...(program?.files.values() ?? [])].reduce((sum, { size }) => sum + size, 0);
  return proposalText({
    ...{
      version: options.version,
      before: record?.version,
      node,
      nodeOrigin,
      settings,
      steps,
      asides,
      dropped,
    },
    ...{ running, starts: enabled, kept: KEPT, changed: program ? changed : [] },
    program: program && { files: program.files.size, bytes, aside: program.aside },
    notStarted: options.services
      ? ""
      : options.root === "/"
        ? "Nothing is started: systemd does not run here."
        : `Nothing is started: this goes below ${options.root}.`,
  });
}

function say(text: string): void {
  process.stdout.write(text);
}

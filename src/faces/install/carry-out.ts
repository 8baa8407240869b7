/**
 * Installs what was proposed, each change with its way back. Whatever fails, the
 * host is as it was, and what ran runs again.
 */
import { dirname, join } from "node:path";
import { reasonOf } from "../../errors.ts";
import { Changes } from "./changes.ts";
import { giveBackFile, giveBackLink } from "./give-back.ts";
import { firstSettings, PROGRAM, RECORD, SETTINGS } from "./layout.ts";
import type { Step } from "./plan.ts";
import {
  keepChanged,
  removeOldProgram,
  removeStaged,
  requireRoom,
  sha256Of,
  stageProgram,
  swapProgram,
  tryProgram,
} from "./program-folder.ts";
import type { InstallOptions, Proposal } from "./proposal.ts";
import { removeRecord, writeRecord } from "./record.ts";
import { ASIDE, type Installed } from "./record-types.ts";
import type { Services } from "./services.ts";

/**
 * Does what was proposed.
 *
 * @throws what went wrong; the host is as it was then.
 */
export async function carryOut(options: InstallOptions, proposal: Proposal): Promise<void> {
  const undo = new AsyncDisposableStack();
  try {
    await change(options, proposal, undo);
  } catch (error) {
    try {
      await undo.disposeAsync();
    } catch (another) {
      throw new Error(`${reasonOf(error)}; not all could be taken back: ${reasonOf(another)}`, {
        cause: another,
      });
    }
    throw error;
  }
  await removeOldProgram(options.root);
}

async function change(
  options: InstallOptions,
  proposal: Proposal,
  undo: AsyncDisposableStack,
): Promise<void> {
  const { root, services, version } = options;
  const { program, steps, record, running, enabled, dropped } = proposal;
  const changes = new Changes(root, undo);
  if (program) {
    await requireRoom(root, program.files);
    await changes.makeFolder(dirname(PROGRAM), 0o755);
    undo.defer(() => removeStaged(root));
    const staged = stageProgram(root, program.files);
    await tryProgram(staged, options.node, join(root, SETTINGS));
  }
  const now: Installed = {
    ...{ format: 1, complete: true, version, ...recordedSteps(steps) },
    folders: [...new Set([...(record?.folders ?? []), ...proposal.folders])],
    asides: [...new Set([...(record?.asides ?? []), ...proposal.asides])],
    program: Object.fromEntries([...proposal.files].map(([path, { sha256 }]) => [path, sha256])),
    programAside: (record?.programAside ?? false) || (program?.aside ?? false),
    stopped: record ? record.stopped : running,
  };
  await changes.makeFolder(dirname(RECORD), 0o755);
  undo.defer(() => (record ? writeRecord(root, record) : removeRecord(root)));
  await writeRecord(root, underWay(now, record));
  if (services) {
    undo.defer(async () => {
      await services.reload();
      for (const unit of running) await services.start(unit);
    });
    for (const unit of running) await services.stop(unit);
  }
  if (program) undo.defer(await swapProgram(root, program.aside ? `${PROGRAM}${ASIDE}` : undefined));
  for (const path of proposal.asides) await changes.move(path, `${path}${ASIDE}`);
  for (const step of steps) await take(changes, step);
  if (proposal.settings !== "keep")
    await changes.writeFile(SETTINGS, firstSettings(proposal.settings), 0o644);
  for (const each of record?.files ?? []) if (dropped.includes(each.path)) await giveBackFile(changes, each);
  for (const each of record?.links ?? []) if (dropped.includes(each.path)) await giveBackLink(changes, each);
  if (program) await keepChanged(root, proposal.changed);
  if (services) await begin(services, enabled, undo);
  await writeRecord(root, now);
}

/** What is there now may still be what was written before: both are ours. */
function underWay(now: Installed, before: Installed | undefined): Installed {
  const merge = <Each extends { readonly path: string }>(old: readonly Each[], added: readonly Each[]) => [
    ...old,
    ...added.filter(({ path }) => !old.some((each) => each.path === path)),
  ];
  return {
    ...now,
    complete: false,
    version: before?.version ?? now.version,
    files: merge(before?.files ?? [], now.files),
    links: merge(before?.links ?? [], now.links),
    program: before?.program ?? {},
  };
}

/** Users first: folders and units belong to them. */
async function begin(
  services: Services,
  enabled: readonly string[],
  undo: AsyncDisposableStack,
): Promise<void> {
  await services.makeUsers();
  await services.makeFolders();
  await services.reload();
  for (const unit of enabled) {
    undo.defer(() => services.stop(unit));
    await services.start(unit);
  }
}

async function take(changes: Changes, step: Step): Promise<void> {
  const { wanted } = step;
  if (step.kind === "keep") return;
  if (step.moved !== undefined) await changes.move(wanted.path, step.moved);
  if (wanted.kind === "folder") await changes.makeFolder(wanted.path, wanted.mode);
  else if (wanted.kind === "link") await changes.link(wanted.path, wanted.target);
  else await changes.writeFile(wanted.path, wanted.text, wanted.mode);
}

function recordedSteps(steps: readonly Step[]): Pick<Installed, "files" | "links"> {
  return {
    files: steps.flatMap(({ wanted, aside }) =>
      wanted.kind === "file" ? [{ path: wanted.path, sha256: sha256Of(wanted.text), aside }] : [],
    ),
    links: steps.flatMap(({ wanted, aside, before }) =>
      wanted.kind === "link" ? [{ path: wanted.path, target: wanted.target, aside, before }] : [],
    ),
  };
}

/** A change of an OpenVPN config as it is shown, agreed to, made and reported. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { systemClock } from "../../clock.ts";
import { editConfigFile } from "../../enforcement/xray/config-file.ts";
import { RefusedRequestError, reasonOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import { canAsk, isAgreed } from "./consent.ts";

export interface OpenvpnSetupOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly undo?: boolean;
  readonly server?: string;
  readonly yes?: boolean;
  readonly clientAuth?: boolean;
  /** Refuse rather than take another program's hook out. */
  readonly keepHooks?: boolean;
  /** Agreed already: another program's hook goes, whatever it is for. */
  readonly replaceHooks?: boolean;
}

/** What is to be done to one file; nothing if `text` is what stands there. */
export interface Proposal {
  readonly server: string;
  readonly path: string;
  readonly unit: string | undefined;
  readonly before: string;
  readonly text: string;
  readonly changes: readonly string[];
  /** Hooks of other programs that go with it. */
  readonly lost: readonly LostHook[];
}

export interface LostHook {
  readonly command: string;
  readonly why: string;
  /** Clients may not come in without it, or not come in right. */
  readonly grave: boolean;
}

export interface Report {
  readonly server: string;
  readonly path: string;
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
  readonly diff: string;
  readonly done: boolean;
  /** What was done, or is left to do; a sentence each. */
  readonly notes: readonly string[];
}

/** @throws {RefusedRequestError} where nobody can be asked, or a hook that may be needed would go unasked. */
export async function isWanted(proposal: Proposal, options: OpenvpnSetupOptions): Promise<boolean> {
  const { before, text, path, lost } = proposal;
  if (text === before) return false;
  const grave = options.replaceHooks ? [] : lost.filter((hook) => hook.grave);
  if (options.yes) {
    if (grave.length === 0) return true;
    throw new RefusedRequestError(
      `Cannot change "${path}" unasked: ${grave.map(lostText).join("; ")}; expected --replace-hooks as well`,
    );
  }
  if (!canAsk(options)) {
    throw new RefusedRequestError(`Cannot change "${path}": expected --yes, since nobody can be asked here`);
  }
  for (const { command } of grave) if (!(await isAgreed(`Take "${printable(command)}" out?`))) return false;
  return isAgreed("Change the file?");
}

/** Compare-and-swap. @returns where the copy of the file before it is. */
export async function change({ path, before, text }: Proposal, takeBack: () => Promise<unknown>) {
  try {
    const { backup } = await editConfigFile({
      path,
      edit: (found) => {
        if (found === before) return text;
        throw new RefusedRequestError(`Cannot change "${path}": it was changed meanwhile; look at it again`);
      },
      test: undefined, // OpenVPN has no way to test a config without starting
      now: systemClock.unix(),
    });
    return backup;
  } catch (error) {
    await takeBack();
    throw error;
  }
}

/** With the file that cannot be read in front of what is wrong with it. */
export function ofFile<Answer>(path: string, work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RefusedRequestError)) throw error;
    throw new RefusedRequestError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** @param unit null for a server that systemd does not start. */
export function restartText(unit: string | null): string {
  const how = unit === null ? "stop the server and start it" : `systemctl restart ${unit}`;
  return `For it to take effect: ${how} (its clients are thrown out, and come back by themselves).`;
}

export function doneText({ path }: Proposal, backup: string | undefined): string {
  return `Changed ${path}${backup === undefined ? "" : `; as it was: ${backup}`}`;
}

export function nothingText({ before, text }: Proposal): string {
  return before === text ? "Nothing to change." : "Nothing was changed.";
}

export function show(options: OpenvpnSetupOptions, proposal: Proposal): void {
  const { path, changes, lost } = proposal;
  const lines = [...changes, ...lost.map(lostText)];
  const diff = diffOf(proposal).split("\n").map(lineText).join("\n");
  say(
    options,
    [`In ${path}:`, ...lines.map((line) => `  ${line}`), ...(diff === "" ? [] : ["", diff]), ""].join("\n"),
  );
}

export function report(
  options: OpenvpnSetupOptions,
  proposal: Proposal,
  isDone: boolean,
  notes: readonly string[],
): Report {
  const { server, path, changes, lost } = proposal;
  say(options, `${notes.join("\n")}\n`);
  return {
    ...{ server, path, changes, warnings: lost.map(lostText) },
    ...{ diff: diffOf(proposal), done: isDone, notes },
  };
}

function diffOf({ path, before, text }: Proposal): string {
  if (before === text) return "";
  const options = { context: 2, headerOptions: FILE_HEADERS_ONLY };
  return createTwoFilesPatch(path, path, before, text, undefined, undefined, options).trimEnd();
}

export function say({ json }: OpenvpnSetupOptions, text: string): void {
  if (!json) process.stdout.write(text);
}

/** A line of a file that somebody else wrote. */
function lineText(line: string): string {
  return printable(line.replaceAll("\t", "    ").replace(/\r$/, ""));
}

function lostText({ command, why, grave }: LostHook): string {
  return `${grave ? "WARNING: " : ""}${why}: ${printable(command)}`;
}

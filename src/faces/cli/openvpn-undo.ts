/** `openvpn setup --undo`: the configs as they were, with what others changed since. */
import { readFile } from "node:fs/promises";
import type { Settings } from "../../config.ts";
import { withoutSetup } from "../../enforcement/openvpn/setup-text.ts";
import { codeOf, RefusedRequestError } from "../../errors.ts";
import { followServerSetup } from "./openvpn-folders.ts";
import {
  change,
  doneText,
  isWanted,
  nothingText,
  type OpenvpnSetupOptions,
  ofFile,
  type Proposal,
  type Report,
  report,
  restartText,
  show,
} from "./openvpn-proposal.ts";
import {
  type OpenvpnSetupFile,
  openvpnSetupPath,
  openvpnSetups,
  restoreOpenvpnSetup,
} from "./openvpn-setup-file.ts";

/** @throws {RefusedRequestError} where nothing was set up, or a config cannot be put back. */
export async function undoOpenvpn(
  settings: Settings,
  options: OpenvpnSetupOptions,
): Promise<readonly Report[]> {
  const all = await openvpnSetups(settings);
  const chosen = all.filter(({ server }) => options.server === undefined || server === options.server);
  if (chosen.length === 0) {
    const what = options.server === undefined ? "a setup" : `the setup of "${options.server}"`;
    throw new RefusedRequestError(
      `Cannot undo ${what}: there is no record of it in "${settings.stateDirectory}"`,
    );
  }
  const reports: Report[] = [];
  for (const file of chosen) {
    const path = openvpnSetupPath(settings, file.server);
    const proposal = await undoProposal(file);
    show(options, proposal);
    const agreed = proposal.text === proposal.before || (await isWanted(proposal, options));
    const notes: string[] = [];
    if (agreed) {
      if (proposal.text === proposal.before) notes.push(nothingText(proposal));
      else {
        const backup = await change(proposal, async () => undefined);
        notes.push(doneText(proposal, backup), restartText(file.unit));
      }
      await restoreOpenvpnSetup(path, undefined);
      const others = (await openvpnSetups(settings)).map(({ unit }) => unit);
      notes.push(...(await followServerSetup(file.unit ?? undefined, "remove", others)));
    } else notes.push("Nothing was changed.");
    reports.push(report(options, proposal, agreed, notes));
  }
  return reports;
}

async function undoProposal({ server, config, unit }: OpenvpnSetupFile): Promise<Proposal> {
  const base = { server, path: config, unit: unit ?? undefined, lost: [] };
  let before: string;
  try {
    before = await readFile(config, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return { ...base, before: "", text: "", changes: [] }; // the server was taken off
  }
  const text = ofFile(config, () => withoutSetup(before));
  return { ...base, before, text, changes: text === before ? [] : ["what setup added is taken out"] };
}

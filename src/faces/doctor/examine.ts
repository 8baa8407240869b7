/** Runs all checks, each on its own: one that fails or hangs is a finding, and stops no other. */
import { reasonOf } from "../../errors.ts";
import type { Case, Check, Group } from "./case.ts";
import { type Finding, unseen } from "./finding.ts";

export interface Examined {
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** Every program that a check runs ends sooner: this is for what nobody thought of. */
const LONGEST_CHECK_MS = 8_000;

export function examine(it: Case, groups: readonly Group[]): Promise<readonly Examined[]> {
  return Promise.all(
    groups.map(async ({ title, checks }) => ({
      title,
      findings: (await Promise.all(checks.map((check) => lookWith(check, it)))).flat(),
    })),
  );
}

async function lookWith({ name, root, look }: Check, it: Case): Promise<readonly Finding[]> {
  if (root && it.host.uid !== 0) return [unseen(name, "it takes root", "sudo sluice doctor")];
  const late = Promise.withResolvers<readonly Finding[]>();
  const timer = setTimeout(
    () => late.resolve([unseen(name, `no answer within ${LONGEST_CHECK_MS / 1000} s`)]),
    LONGEST_CHECK_MS,
  );
  try {
    return await Promise.race([Promise.try(() => look(it)), late.promise]);
  } catch (error) {
    return [unseen(name, reasonOf(error))];
  } finally {
    clearTimeout(timer);
  }
}

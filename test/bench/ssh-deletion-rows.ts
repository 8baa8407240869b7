/** The rows on a login at its limit: how soon his connections end, and how soon he is gone. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";
import { median } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const MIB = 1024 * 1024;
const LIMIT = "20MB";
/** A daemon deletes no more than this in ten minutes. */
const DELETIONS_PER_DAEMON = 3;
const LONGEST_END_MS = 50;
const LONGEST_MEDIAN_MS = 500;
const LONGEST_MS = 2_000;
const HOME_BYTES = 900_000;

interface Deletion {
  /** Milliseconds from the moment the daemon heard of the used-up gate. */
  readonly connectionEnded: number;
  readonly gone: number;
}

export async function* sshDeletionRows(count: number): AsyncGenerator<Row> {
  const what = `SSH: ${count} logins deleted at ${LIMIT}, home of 0.9 MB`;
  if (missingForSsh !== "") {
    yield { what, ratio: "", figures: `skipped${missingForSsh}` };
    return;
  }
  await using stage = await openSshStage();
  const deletions: Deletion[] = [];
  while (deletions.length < count) {
    await using sluice = await makeSluice({ ssh: { ...stage.settings, delete_quiet_s: 0 } });
    await sluice.start({ namespace: stage.server.name });
    for (let index = 0; index < DELETIONS_PER_DAEMON && deletions.length < count; index += 1) {
      deletions.push(await deleteOne(stage, sluice));
    }
  }
  yield row(
    `${what}: from the gate's event to the client's connection closed`,
    deletions.map((each) => each.connectionEnded),
    {
      median: LONGEST_END_MS,
      longest: LONGEST_END_MS,
    },
  );
  yield row(
    `${what}: to the login gone, archive written`,
    deletions.map((each) => each.gone),
    {
      median: LONGEST_MEDIAN_MS,
      longest: LONGEST_MS,
    },
  );
}

async function deleteOne(stage: SshStage, sluice: Sluice): Promise<Deletion> {
  const account = await stage.addAccount({ home: true });
  await writeFile(join(account.home, "data"), randomBytes(HOME_BYTES));
  await until(`${account.name} is metered`, async () =>
    (await sluice.users()).some(({ name }) => name === account.name),
  );
  await sluice.run("limit", "set", account.name, LIMIT);
  await using tunnel = await stage.tunnel({
    ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
  });
  const closed = tunnel.closed.then(() => Date.now());
  await tunnel.get(100 * MIB);
  const event = await sluice.event("deleted", account.name);
  const crossed = Number(event["crossed_at_ms"]);
  return { connectionEnded: (await closed) - crossed, gone: Date.parse(event.time) - crossed };
}

function row(what: string, times: readonly number[], target: { median: number; longest: number }): Row {
  const [middle, longest] = [median(times), Math.max(...times)];
  return {
    what,
    ratio: "",
    figures: `median ${number(middle)} ms, longest ${number(longest)} ms`,
    target: {
      text:
        target.median === target.longest
          ? `<= ${target.longest} ms`
          : `median <= ${target.median}, longest <= ${target.longest} ms`,
      met: middle <= target.median && longest <= target.longest,
    },
  };
}

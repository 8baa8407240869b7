/** The rows on SSH metering: the price of a read, and of a packet's way through the rules. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SshCost } from "./ssh-cost.ts";
import { number, type Row } from "./table.ts";

const MOST_OF_BARE = 1.3;
const LEAST_OF_FEW = 0.95;
const PROGRAM = fileURLToPath(new URL("ssh-cost.ts", import.meta.url));

export function* sshRows(): Generator<Row> {
  const what = "SSH: one read of 1,000 moving accounts against the bare dump";
  if (process.getuid?.() !== 0) {
    yield { what, ratio: "", figures: "skipped: it takes root" };
    return;
  }
  const { read, bare, few, many, manyOfFew, chain, none } = measured();
  const ratio = read / bare;
  yield {
    what,
    ratio: `${number(ratio, 2)} x bare`,
    figures: `${number(read, 2)} ms against ${number(bare, 2)} ms (medians of 300, in turns)`,
    target: { text: `<= ${MOST_OF_BARE} x`, met: ratio <= MOST_OF_BARE },
  };
  const megabytes = (rate: number) => `${number(rate / 1e6)} MB/s`;
  yield {
    what: "SSH: one flow among 1,000 accounts against 10",
    ratio: `${number(manyOfFew, 2)} x the throughput`,
    figures: `${megabytes(many)} against ${megabytes(few)}; without rules ${megabytes(none)} (medians of 15 rounds)`,
    target: { text: `>= ${LEAST_OF_FEW} x`, met: manyOfFew >= LEAST_OF_FEW },
  };
  yield {
    what: "The same through a chain of 1,000 owner rules, as the scripts make",
    ratio: `${number(chain / many, 2)} x ours`,
    figures: megabytes(chain),
  };
}

/** In two namespaces of their own, which end with the measurement. */
function measured(): SshCost {
  const far = `slub${process.pid}f`;
  const near = `slub${process.pid}n`;
  const ip = (...args: string[]) => execFileSync("ip", ["netns", ...args]);
  try {
    ip("add", near);
    ip("add", far);
    const answer = execFileSync(
      "nsenter",
      [`--net=/run/netns/${near}`, "--", process.execPath, PROGRAM, far],
      {
        stdio: ["ignore", "pipe", "inherit"],
        timeout: 300_000,
      },
    );
    return JSON.parse(answer.toString()) as SshCost;
  } finally {
    for (const name of [near, far]) ip("delete", name);
  }
}

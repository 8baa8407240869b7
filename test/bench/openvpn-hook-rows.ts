/** The rows on OpenVPN's hooks: what the server waits for, and whether anybody who connects notices. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectingSpans } from "./openvpn-connecting.ts";
import { processSpan } from "./process-spans.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const MOST_MS = 5;
const MOST_OF_TRUE = 2;
const MOST_OF_WITHOUT = 1.1;
const DENIED = 1_000;
/** Runs in a row that a p99 is taken of. */
const BLOCK = 250;
const HOOK = fileURLToPath(new URL("../../scripts/openvpn/client-connect", import.meta.url));
const ENVIRONMENT = readFileSync(
  new URL("../fixtures/openvpn/env/client-connect-ipv4.env", import.meta.url),
  "utf8",
)
  .trimEnd()
  .split("\n");

export async function* openvpnHookRows(runs: number, rounds: number): AsyncGenerator<Row> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  try {
    const denied = join(folder, "denied");
    mkdirSync(denied);
    for (let user = 0; user < DENIED; user++) writeFileSync(join(denied, `user${user}`), "");
    const long = "é/".repeat(85);
    yield* spanRows(runs, { denied, long });
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (process.getuid?.() !== 0) {
    yield { what: "OpenVPN: connecting 40 clients", ratio: "", figures: "skipped: it takes root" };
    return;
  }
  const { hooked, idle, bare } = await connectingSpans(HOOK, 40, rounds);
  const ratio = median(hooked) / median(bare);
  yield {
    what: "OpenVPN: connecting 40 clients with client-connect against without",
    ratio: `${number(ratio, 3)} x`,
    figures: `${number(median(hooked))} ms against ${number(median(bare))} ms, with /bin/true as the hook ${number(median(idle))} ms (medians of ${rounds}, in turns)`,
    target: { text: `<= ${MOST_OF_WITHOUT} x`, met: ratio <= MOST_OF_WITHOUT },
  };
}

function* spanRows(runs: number, { denied, long }: { denied: string; long: string }): Generator<Row> {
  const words = [HOOK, denied, "server", "refuse", "retry", "common_name", "/tmp/openvpn_cc_1.tmp"];
  const named = (name: string) => [
    ...ENVIRONMENT.filter((entry) => !entry.startsWith("common_name=")),
    `common_name=${name}`,
  ];
  const [alice, hostile] = [named("alice"), named(long)];
  const spans = { hook: [] as number[], none: [] as number[], hostile: [] as number[] };
  for (let run = 0; run < runs; run++) {
    spans.none.push(processSpan(["/bin/true"], alice));
    spans.hook.push(processSpan(words, alice));
    spans.hostile.push(processSpan(words, hostile));
  }
  const [hook, none] = calmest(spans.hook, spans.none);
  const ratio = hook / none;
  yield {
    what: `OpenVPN: client-connect among ${number(DENIED)} denied, p99 against /bin/true`,
    ratio: `${number(ratio, 2)} x (medians ${number(median(spans.hook) / median(spans.none), 2)} x)`,
    figures: `${number(hook, 2)} ms against ${number(none, 2)} ms (the calmest ${number(BLOCK)} of ${number(runs)} in turns)`,
    target: {
      text: `<= ${MOST_MS} ms and <= ${MOST_OF_TRUE} x`,
      met: hook <= MOST_MS && ratio <= MOST_OF_TRUE,
    },
  };
  yield {
    what: "The same for a name of 255 bytes that all have to be encoded",
    ratio: `${number(median(spans.hostile) / median(spans.hook), 2)} x the plain name`,
    figures: `median ${number(median(spans.hostile), 2)} ms, p99 ${number(percentile(spans.hostile, 99), 2)} ms`,
  };
}

/** The 99th percentiles of both where /bin/true had its lowest: other work on the machine comes in bursts. */
function calmest(hook: readonly number[], none: readonly number[]): readonly [hook: number, none: number] {
  const blocks = Array.from({ length: Math.floor(none.length / BLOCK) }, (_, block) => {
    const [from, to] = [block * BLOCK, (block + 1) * BLOCK];
    return [percentile(hook.slice(from, to), 99), percentile(none.slice(from, to), 99)] as const;
  });
  return blocks.reduce((best, block) => (block[1] < best[1] ? block : best));
}

/** The rows on how soon a command has answered: beside `node -e 0` in the same run, or as a round trip to the daemon. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import { firstLine, startNode } from "./children.ts";
import { programPath } from "./program-path.ts";
import { median } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const BUILT = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const MOST_TIMES_NODE = 4;
const MOST_ROUND_TRIP_MS = 300;
const USERS = 100;

const WITHOUT_A_SOCKET = ["--version", "--help", "config check", "events", "xray setup --help"];
const WITH_THE_SOCKET = [
  "status",
  "users",
  "user user1@example.com",
  "limit set user1@example.com 100GB",
  "doctor",
  "hosts list",
];

export async function* startRows(runs: number): AsyncGenerator<Row> {
  const engine = startNode([programPath("fake-engine.ts"), "127.0.0.1:0", String(USERS), "still"]);
  await using _engine = engine;
  const api = await firstLine(engine);
  const xray = { name: "xray", api, config: null, access_log: null, service: null };
  await using daemon = await startBuiltDaemon({ xray, hosts: {} });
  for (const words of WITHOUT_A_SOCKET) {
    const { own, bare } = await timed(words, daemon, runs);
    const ratio = own / bare;
    yield {
      what: `sluice ${words}`,
      ratio: `${number(ratio, 2)} x node -e 0`,
      figures: `median ${number(own, 1)} against ${number(bare, 1)} ms, ${runs} runs in turn`,
      target: { text: `<= ${MOST_TIMES_NODE} x`, met: ratio <= MOST_TIMES_NODE },
    };
  }
  for (const words of WITH_THE_SOCKET) {
    const { own, bare } = await timed(words, daemon, runs);
    yield {
      what: `sluice ${words}, asking what runs`,
      ratio: `${number(own / bare, 2)} x node -e 0`,
      figures: `median ${number(own, 1)} ms, ${runs} runs, ${USERS} users`,
      target: { text: `<= ${MOST_ROUND_TRIP_MS} ms`, met: own <= MOST_ROUND_TRIP_MS },
    };
  }
}

/** Medians in ms; both programs in turn, so that the machine's other work falls on both. */
async function timed(
  words: string,
  { settingsPath }: BuiltDaemon,
  runs: number,
): Promise<{ readonly own: number; readonly bare: number }> {
  const config = words.startsWith("--") || words.endsWith("--help") ? [] : ["--config", settingsPath];
  const own: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run++) {
    bare.push(await elapsed(["-e", "0"]));
    own.push(await elapsed([BUILT, ...words.split(" "), ...config]));
  }
  return { own: median(own), bare: median(bare) };
}

/** Ms until it has ended. Its exit status is its own affair: a finding of doctor's is one as well. */
async function elapsed(args: readonly string[]): Promise<number> {
  const began = performance.now();
  await promisify(execFile)(process.execPath, args).catch((error: { code?: unknown; stderr?: string }) => {
    if (error.code !== 1) throw new Error(`Cannot time ${args.join(" ")}: it said ${error.stderr}`);
  });
  return performance.now() - began;
}

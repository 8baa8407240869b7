/**
 * The rows on what a monitor costs: the built `sluice top` on a terminal of 45
 * rows, before a built daemon with 1,000 users, and what the daemon itself
 * costs while somebody watches.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { TerminalModel } from "../support/terminal-model.ts";
import { until } from "../support/until.ts";
import { BUILT, type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import { adopt, firstLine, startNode } from "./children.ts";
import { cpuTime } from "./process-cost.ts";
import { programPath } from "./program-path.ts";
import { number, type Row } from "./table.ts";

const USERS = 1_000;
/** Percent of a core. */
const MOST_CPU = 5;
const MOST_BYTES = 5_000;
/** Code is compiled, and all rows have been told of once. */
const WARM_UP_MS = 4_000;
/** How a frame ends: synchronised output. */
const FRAME_END = "\u001b[?2026l";
const COLUMNS = 160;
const ROWS = 45;

interface MonitorCost {
  /** Percent of one core. */
  readonly monitor: number;
  readonly daemon: number;
  readonly framesPerSecond: number;
  readonly bytesPerFrame: number;
  /** What its title says. */
  readonly pace: string;
}

/** @param span ms of each measurement. */
export async function* terminalRows(span: number): AsyncGenerator<Row> {
  for (const moving of [30, USERS]) {
    await using engine = startNode([
      programPath("fake-engine.ts"),
      ...["127.0.0.1:0", String(USERS), String(moving)],
    ]);
    await using daemon = await startBuiltDaemon({
      xray: { name: "bench", api: await firstLine(engine), config: null, access_log: null, service: null },
    });
    await delay(WARM_UP_MS);
    const alone = await percentOf([daemon.pid], span);
    yield* rowsOf(moving, await measure(daemon, span), alone[0] as number, span);
  }
}

function* rowsOf(moving: number, cost: MonitorCost, alone: number, span: number): Generator<Row> {
  const held = moving < USERS;
  const of = `${number(USERS)} users of whom ${number(moving)} move, ${span / 1_000} s`;
  const target = (text: string, met: boolean) => (held ? { target: { text, met } } : {});
  yield {
    what: `Monitor's CPU, ${of}`,
    ratio: `${number(cost.monitor / MOST_CPU, 2)} x target`,
    figures: `${number(cost.monitor, 1)} % of a core at ${number(cost.framesPerSecond, 1)} frames/s ${cost.pace}`,
    ...target(`CPU <= ${MOST_CPU} %`, cost.monitor <= MOST_CPU),
  };
  yield {
    what: `Monitor's output, ${of}`,
    ratio: `${number(cost.bytesPerFrame / MOST_BYTES, 2)} x target`,
    figures: `${number(cost.bytesPerFrame)} bytes a frame`,
    ...target(`<= ${number(MOST_BYTES)} bytes a frame`, cost.bytesPerFrame <= MOST_BYTES),
  };
  yield {
    what: `Daemon's CPU while watched, ${of}`,
    ratio: `${number(cost.daemon / Math.max(alone, 0.1), 1)} x unwatched`,
    figures: `${number(cost.daemon, 1)} % of a core, unwatched ${number(alone, 1)} %`,
  };
}

async function measure(daemon: BuiltDaemon, span: number): Promise<MonitorCost> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-terminal-"));
  const pidFile = join(folder.path, "pid");
  const top = `${process.execPath} ${BUILT} top --config ${daemon.settingsPath}`;
  const inTerminal = `stty cols ${COLUMNS} rows ${ROWS}; echo $$ > ${pidFile}; export TERM=xterm-256color; exec ${top}`;
  await using child = inPty(inTerminal);
  const terminal = new TerminalModel(COLUMNS, ROWS);
  let bytes = 0;
  let frames = 0;
  let waiting = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    bytes += Buffer.byteLength(piece);
    const parts = `${waiting}${piece}`.split(FRAME_END);
    waiting = parts.pop() ?? "";
    frames += parts.length;
    for (const part of parts) terminal.write(part + FRAME_END);
  });
  await until("the monitor draws", () => frames > 5);
  const pid = Number(await readFile(pidFile, "utf8"));
  await delay(WARM_UP_MS);
  const before = { bytes, frames };
  const [monitor = 0, watched = 0] = await percentOf([pid, daemon.pid], span);
  const drawn = frames - before.frames;
  return {
    ...{ monitor, daemon: watched },
    pace: /\(.*\)/.exec(terminal.text()[0] ?? "")?.[0] ?? "no pace",
    framesPerSecond: drawn / (span / 1_000),
    bytesPerFrame: (bytes - before.bytes) / Math.max(drawn, 1),
  };
}

/** A shell's command line on a terminal of its own; what it writes comes out of a pipe. */
function inPty(commandLine: string): AsyncDisposable & { readonly stdout: Readable } {
  // Its input stays open: at the end of it, script would type Ctrl-D.
  const child = spawn("script", ["-qfec", commandLine, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  const adopted = adopt(child.pid as number);
  const exited = once(child, "exit").finally(() => adopted[Symbol.dispose]());
  return {
    stdout: child.stdout,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end("q");
      await exited;
    },
  };
}

/** Percent of a core that each process used in the next `span` ms. */
async function percentOf(pids: readonly number[], span: number): Promise<number[]> {
  const began = performance.now();
  const before = await Promise.all(pids.map(cpuTime));
  await delay(span);
  const after = await Promise.all(pids.map(cpuTime));
  const lasted = performance.now() - began;
  return after.map(({ own }, index) => (100 * (own - (before[index]?.own ?? 0))) / lasted);
}

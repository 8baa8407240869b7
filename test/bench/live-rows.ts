/**
 * The rows on what open pages cost: the web with a hundred of them before a built
 * daemon with 1,000 users, and how late the daemon's ticks are while they look,
 * beside how late they are while nobody does.
 */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { JobStatus, Status } from "../../src/control/rows.ts";
import type { LiveView } from "../../src/faces/web/wire.ts";
import { type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import { firstLine, startNode } from "./children.ts";
import { cpuTime, residentBytes } from "./process-cost.ts";
import { programPath } from "./program-path.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

export interface LivePlan {
  /** Each is a span alone, one with pages, and one alone again. */
  readonly rounds: number;
  /** How long each is measured, ms. */
  readonly span: number;
}

const USERS = 1_000;
const MOVING = 200;
const PAGES = 100;
const KEEPER = "bench";
/** Percent of a core. */
const MOST_CPU = 10;
/** Code is compiled, and all rows have been told of once. */
const WARM_UP_MS = 3_000;
/** Percent of the differences between two spans alone that may lie above that with pages. */
const NOISE_PERCENT = 90;

interface Looked {
  /** Percent of a core. */
  readonly web: number;
  readonly daemon: number;
  readonly resident: number;
  /** Milliseconds that 99 of 100 of the reading job's runs began late at the most. */
  readonly lag: number;
  readonly messages: number;
  readonly bytes: number;
}

type Alone = Pick<Looked, "daemon" | "lag">;

export async function* liveRows(plan: LivePlan): AsyncGenerator<Row> {
  await using engine = startNode([
    programPath("fake-engine.ts"),
    ...["127.0.0.1:0", String(USERS), String(MOVING)],
  ]);
  await using daemon = await startBuiltDaemon({
    pace: "every-tick",
    xray: { name: KEEPER, api: await firstLine(engine), config: null, access_log: null, service: null },
  });
  await delay(WARM_UP_MS);
  yield* pairedRows(daemon, plan);
  yield closeRow(
    await lookedAt(daemon, plan.span, (page) => ({ view: "account", name: `user${page}@example.com` })),
  );
}

/** Half of them look at the overview, half at all accounts. */
async function* pairedRows(daemon: BuiltDaemon, { rounds, span }: LivePlan): AsyncGenerator<Row> {
  const pages: Looked[] = [];
  const added: number[] = [];
  const noise: number[] = [];
  const alones: Alone[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = await alone(daemon, span);
    const looked = await lookedAt(daemon, span, (page) => ({
      view: page % 2 === 0 ? "overview" : "accounts",
    }));
    const after = await alone(daemon, span);
    pages.push(looked);
    alones.push(before, after);
    added.push(looked.lag - (before.lag + after.lag) / 2);
    noise.push(Math.abs(before.lag - after.lag));
  }
  const web = median(pages.map((each) => each.web));
  const middle = pages.find((each) => each.web === web) as Looked;
  const of = `${PAGES} pages, ${number(USERS)} users of whom ${MOVING} move, ${rounds} x ${span / 1_000} s`;
  yield {
    what: `The web's CPU, ${of}`,
    ratio: `${number(web / MOST_CPU, 2)} x target`,
    figures: lookText(middle),
    target: { text: `CPU <= ${MOST_CPU} % of a core`, met: web <= MOST_CPU },
  };
  const late = median(added);
  const usual = percentile(noise, NOISE_PERCENT);
  const [lagAlone, lagLooked] = [median(alones.map(({ lag }) => lag)), median(pages.map(({ lag }) => lag))];
  yield {
    what: `Tick lag, 99th percentile, ${of}`,
    ratio: `${number(lagLooked / Math.max(lagAlone, 0.01), 2)} x alone`,
    figures: `${number(lagLooked, 2)} ms, alone ${number(lagAlone, 2)} ms; paired ${late < 0 ? "-" : "+"}${number(Math.abs(late), 2)} ms, two spans alone differ by up to ${number(usual, 2)} ms`,
    target: { text: "paired difference <= that of two spans alone", met: late <= usual },
  };
  yield {
    what: `Daemon's CPU while looked at, ${of}`,
    ratio: `${number(middle.daemon / Math.max(0.1, median(alones.map((each) => each.daemon))), 2)} x alone`,
    figures: `${number(middle.daemon, 1)} % of a core, alone ${number(median(alones.map((each) => each.daemon)), 1)} %`,
  };
}

function closeRow(looked: Looked): Row {
  return {
    what: `The web's CPU, ${PAGES} pages with an account each, ten times a second`,
    ratio: `${number(looked.web / MOST_CPU, 2)} x target of once a second`,
    figures: lookText(looked),
  };
}

function lookText({ web, daemon, resident, messages, bytes }: Looked): string {
  return [
    `CPU ${number(web, 1)} %, daemon ${number(daemon, 1)} %`,
    `RSS ${number(resident / 1e6)} MB`,
    `${number(messages)} messages/s, ${number(bytes / 1e3)} KB/s`,
  ].join("; ");
}

async function alone(daemon: BuiltDaemon, span: number): Promise<Alone> {
  await delay(WARM_UP_MS);
  const before = await daemon.desk.status();
  const [cpu = 0] = await percentOf([daemon.pid], span);
  return { daemon: cpu, lag: lagBetween(before, await daemon.desk.status()) };
}

async function lookedAt(
  daemon: BuiltDaemon,
  span: number,
  viewOf: (page: number) => LiveView,
): Promise<Looked> {
  await using web = startNode([programPath("live-server.ts"), daemon.socketPath]);
  const port = await firstLine(web);
  const got = { messages: 0, bytes: 0 };
  for (let page = 0; page < PAGES; page++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    socket.on("message", (data) => {
      got.messages += 1;
      got.bytes += (data as Buffer).length;
    });
    socket.on("error", () => undefined); // the web is ended before its pages
    await once(socket, "open");
    socket.send(JSON.stringify(viewOf(page)));
  }
  await delay(WARM_UP_MS);
  const told = { ...got };
  const before = await daemon.desk.status();
  const [cpu = 0, ours = 0] = await percentOf([web.pid, daemon.pid], span);
  const after = await daemon.desk.status();
  if (got.messages === told.messages)
    throw new Error(`Cannot measure pages that are told nothing: ${web.stderr()}`);
  return {
    ...{ web: cpu, daemon: ours, resident: await residentBytes(web.pid), lag: lagBetween(before, after) },
    messages: (got.messages - told.messages) / (span / 1_000),
    bytes: (got.bytes - told.bytes) / (span / 1_000),
  };
}

/** The 99th percentile of the reading job's lag between two moments, evenly spread within a size. */
function lagBetween(before: Status, after: Status): number {
  const counts = readingJob(after).lags.counts.map(
    (count, index) => count - (readingJob(before).lags.counts[index] ?? 0),
  );
  const wanted = counts.reduce((sum, count) => sum + count, 0) * 0.99;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    const from = after.spanBoundsMs[index - 1] ?? 0;
    const to = after.spanBoundsMs[index] ?? readingJob(after).longestLagMs;
    if (below + count >= wanted) return from + (to - from) * ((wanted - below) / Math.max(1, count));
    below += count;
  }
  return 0;
}

function readingJob({ jobs }: Status): JobStatus {
  const job = jobs.find(({ name }) => name === KEEPER);
  if (!job)
    throw new Error(`Cannot find the job "${KEEPER}" among ${jobs.map(({ name }) => name).join(", ")}`);
  return job;
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

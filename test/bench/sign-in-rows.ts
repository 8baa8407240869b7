/**
 * The rows on signing in: how long who is signed in waits while strangers try a thousand
 * passwords a second, and whether a name that nobody has takes as long as one that
 * somebody has.
 */
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { firstLine, startNode } from "./children.ts";
import { programPath } from "./program-path.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const MOST_MS = 200;
const ATTEMPTS_PER_S = 1_000;
/** Below what one login may ask in a second, with room. */
const LOOK_MS = 25;

interface Web {
  readonly port: number;
  readonly cookie: string;
  readonly agent: Agent;
}

export async function* signInRows(quick: boolean): AsyncGenerator<Row> {
  await using child = startNode([programPath("sign-in-server.ts")]);
  const [port = "", token = ""] = (await firstLine(child)).split(" ");
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const web = { port: Number(port), cookie: `sluice=${token}`, agent };
  try {
    const seconds = quick ? 5 : 20;
    await flood(web, 3, () => "192.0.2.1"); // until its code is compiled, as it is where a flood lasts
    const calm = await looks(web, seconds, () => {});
    yield* floodRows(web, { from: "one address", seconds, calm, address: () => "192.0.2.1" });
    yield* floodRows(web, { from: "an address each", seconds, calm, address: (index) => addressOf(index) });
    yield await equalWorkRow(web, quick ? 10 : 30);
  } finally {
    agent.destroy();
  }
}

interface Flood {
  readonly from: string;
  readonly seconds: number;
  readonly calm: readonly number[];
  readonly address: (index: number) => string;
}

async function* floodRows(web: Web, { from, seconds, calm, address }: Flood): AsyncGenerator<Row> {
  const { taken, answers, sent } = await flood(web, seconds, address);
  const p99 = percentile(taken, 99);
  yield {
    what: `Web: who is signed in reads, while ${from} tries ${number(ATTEMPTS_PER_S)} passwords a second`,
    ratio: `${number(p99 / MOST_MS, 2)} x target, ${number(p99 / percentile(calm, 99), 1)} x calm`,
    figures: `p50 ${number(median(taken), 1)}, p99 ${number(p99, 1)} ms (calm ${number(median(calm), 1)}, ${number(percentile(calm, 99), 1)}); of ${number(sent)} tried ${number(answers.get(401) ?? 0)} were looked at, ${number(answers.get(429) ?? 0)} sent away`,
    target: { text: `p99 <= ${MOST_MS} ms`, met: p99 <= MOST_MS },
  };
}

/** Tries passwords, while who is signed in reads. @returns how long he waited, and what the attempts were answered. */
async function flood(web: Web, seconds: number, address: (index: number) => string) {
  const answers = new Map<number, number>();
  const pending: Promise<void>[] = [];
  const began = performance.now();
  let sent = 0;
  const attack = () => {
    for (; sent < ((performance.now() - began) / 1000) * ATTEMPTS_PER_S; sent += 1)
      pending.push(
        attempt(web, sent % 2 === 0 ? "root" : `name${sent}`, address(sent)).then(({ status }) => {
          answers.set(status, (answers.get(status) ?? 0) + 1);
        }),
      );
  };
  const taken = await looks(web, seconds, attack);
  await Promise.all(pending);
  return { taken, answers, sent };
}

/** A look every so often for so long, each timed. @param meanwhile is called between. */
async function looks(web: Web, seconds: number, meanwhile: () => void): Promise<number[]> {
  const own = new Agent({ keepAlive: true });
  const taken: Promise<number>[] = [];
  const until = performance.now() + seconds * 1000;
  let next = performance.now();
  while (performance.now() < until) {
    meanwhile();
    if (performance.now() >= next) {
      next += LOOK_MS;
      taken.push(look({ ...web, agent: own }));
    }
    await delay(2);
  }
  const all = await Promise.all(taken);
  own.destroy();
  return all;
}

/** @throws {Error} when it is not let in: then there is nothing to measure. */
async function look(web: Web): Promise<number> {
  const began = performance.now();
  const { status } = await ask(web, { method: "GET", headers: { cookie: web.cookie } });
  if (status !== 200) throw new Error(`Cannot measure: expected 200, got ${status}`);
  return performance.now() - began;
}

async function equalWorkRow(web: Web, rounds: number): Promise<Row> {
  const [known, unknown] = [[] as number[], [] as number[]];
  for (let round = 0; round < rounds; round += 1)
    for (const [name, taken] of [
      [`admin${round}`, known],
      [`nobody${round}`, unknown],
    ] as const) {
      const began = performance.now();
      const { status } = await attempt(web, name, `203.0.113.${round}`);
      if (status === 401) taken.push(performance.now() - began);
    }
  const ratio = median(unknown) / median(known);
  return {
    what: "Web: a wrong password of a name that nobody has, against one that somebody has",
    ratio: `${number(ratio, 2)} x`,
    figures: `median ${number(median(unknown), 0)} and ${number(median(known), 0)} ms`,
    target: { text: "0.8 to 1.25 x", met: ratio >= 0.8 && ratio <= 1.25 },
  };
}

function attempt(web: Web, username: string, address: string): Promise<{ status: number }> {
  const body = JSON.stringify({ username, password: "wrong password" });
  return ask(web, { method: "POST", headers: { "x-forwarded-for": address }, body });
}

function addressOf(index: number): string {
  return `100.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

function ask(
  { port, agent }: Web,
  { body, ...options }: { method: string; headers: Record<string, string>; body?: string },
): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const asking = request({ ...options, port, agent, host: "127.0.0.1", path: "/api/v1/session" });
    asking.on("response", (response) => {
      response.resume().on("end", () => resolve({ status: response.statusCode ?? 0 }));
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

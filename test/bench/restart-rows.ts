/** The rows on restarts of an engine with transfers under way: what of them never reaches the books. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventRecord } from "../../src/storage/events.ts";
import { serverConfig, testUser } from "../support/engine-config.ts";
import { makeEngineUnit, unitsNeed } from "../support/engine-unit.ts";
import { type EngineProgram, findEngines, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { startTransfer, type Transfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { connectThroughVless } from "../support/vless.ts";
import { type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import { adopt } from "./children.ts";
import { percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

/** Bytes a second of each of two downloads and two uploads. */
const RATE = 10_000_000;
const ALL = 4 * RATE;
const ENDLESS = 10_000_000_000;
const users = [testUser("first"), testUser("second")];

export async function* restartRows(restarts: number): AsyncGenerator<Row> {
  if (unitsNeed !== "") yield { what: "Restarts of an engine", ratio: "", figures: `skipped${unitsNeed}` };
  else {
    for (const program of findEngines()) yield* rowsOn(program, restarts);
    // A gate's counters outlive the engine, so what its death cost is known in bytes.
    enterOwnNetwork();
    for (const program of findEngines()) if (program.kind === "xray") yield* deathsOn(program, restarts);
  }
}

async function* deathsOn(program: EngineProgram, restarts: number): AsyncGenerator<Row> {
  await using stage = await openRestartStage(program, "auto");
  const deaths: Restart[] = [];
  for (let index = 0; index < restarts; index++) deaths.push(await stage.restart("killed"));
  const megabytes = (values: readonly number[]) =>
    `${number(percentile(values, 50) / 1e6, 1)} / ${number(Math.max(...values) / 1e6, 1)} MB`;
  const shares = deaths.map(({ lost, atMost }) => lost / (atMost ?? 0));
  const least = Math.min(...deaths.map(({ lost }) => lost));
  yield {
    what: `${restarts} times SIGKILL with gates, ${program.kind} ${program.version}, ${ALL / 1e6} MB/s`,
    ratio: `${number(Math.max(...shares), 2)} of what the event says, at most`,
    figures: `lost p50/max ${megabytes(deaths.map(({ lost }) => lost))}, the events say ${megabytes(deaths.map(({ atMost }) => atMost ?? 0))}`,
    target: { text: "<= 1", met: least >= 0 && shares.every((share) => share <= 1) },
  };
}

async function* rowsOn(program: EngineProgram, restarts: number): AsyncGenerator<Row> {
  await using stage = await openRestartStage(program);
  const where = `${program.kind} ${program.version}, ${ALL / 1e6} MB/s`;
  const planned: Restart[] = [];
  for (let index = 0; index < restarts; index++) planned.push(await stage.restart("planned"));
  const lost = planned.reduce((sum, each) => sum + Math.abs(each.lost), 0);
  const spans = planned.map(({ lookMs }) => lookMs);
  yield {
    what: `${restarts} restarts with a last look, ${where}`,
    ratio: `${number(lost)} bytes lost`,
    figures: `last look p50/max ${number(percentile(spans, 50))} / ${number(Math.max(...spans))} ms`,
    target: { text: "0 bytes", met: lost === 0 },
  };
  const plain: number[] = [];
  for (let index = 0; index < restarts; index++) plain.push((await stage.restart("plain")).lost);
  const megabytes = (count: number) => number(count / 1e6, 1);
  yield {
    what: `${restarts} stops without one, ${where}`,
    ratio: `p50 ${number((1_000 * percentile(plain, 50)) / ALL)} ms of its rate lost`,
    figures: `lost p50/max ${megabytes(percentile(plain, 50))} / ${megabytes(Math.max(...plain))} MB`,
  };
}

interface Restart {
  /** Bytes that clients and targets received and the books do not have. */
  readonly lost: number;
  /** What the last look took as the daemon tells it; 0 without one. */
  readonly lookMs: number;
  /** What the event says was lost at most, bytes; undefined where it only says since when. */
  readonly atMost: number | undefined;
}

interface RestartStage extends AsyncDisposable {
  restart(how: "planned" | "plain" | "killed"): Promise<Restart>;
}

async function openRestartStage(
  program: EngineProgram,
  gates: "auto" | "off" = "off",
): Promise<RestartStage> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  parts.defer(() => folder.remove());
  const [apiPort, port] = await Promise.all([freePort(), freePort()]);
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: [{ tag: "bench-in", protocol: "vless", port, users }],
  });
  const unit = parts.use(makeEngineUnit(program));
  const start = () => startEngine(unit.program, config, folder.path);
  let engine = await start();
  let adopted = adopt(engine.pid);
  parts.defer(() => engine.kill());
  const origin = parts.use(await startOrigin());
  const api = `127.0.0.1:${apiPort}`;
  const daemon = parts.use(
    await startBuiltDaemon({ xray: { name: "xray", api, config: engine.path, service: null, gates } }),
  );
  const owned = parts.move();
  let received = 0;
  let missing = 0;
  let stops = 0;
  const transfer = async (id: string, wish: Parameters<typeof startTransfer>[1]) =>
    startTransfer(await connectThroughVless({ server: { address: "127.0.0.1", port }, id }, origin), wish);
  return {
    restart: async (how) => {
      const transfers: Transfer[] = [];
      const before = origin.received;
      for (const { id } of users) {
        transfers.push(await transfer(id, { up: 0, down: ENDLESS, rate: RATE }));
        transfers.push(await transfer(id, { up: ENDLESS, down: 1, upRate: RATE }));
      }
      await until("bytes move both ways", () => downOf(transfers) > RATE && origin.received - before > RATE);
      const said =
        how === "planned"
          ? await unit.execStop(["xray", "last-look", "--json", "--config", daemon.settingsPath])
          : '{"waitedMs":0}';
      await (how === "killed" ? engine.kill() : engine.stop());
      adopted[Symbol.dispose]();
      for (const { finished } of transfers) await finished;
      await until("the targets' connections ended", () => origin.open === 0);
      engine = await start();
      adopted = adopt(engine.pid);
      stops += 1;
      const told = await restartsSeen(daemon, stops);
      received += downOf(transfers);
      const lost = received + origin.received - (await bookedBy(daemon)) - missing;
      missing += lost;
      return {
        lost,
        lookMs: (JSON.parse(said) as { waitedMs: number }).waitedMs,
        atMost: told["lost_bytes_at_most"] as number | undefined,
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function downOf(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, { down }) => sum + down, 0);
}

/** @returns the last one's event. */
function restartsSeen(daemon: BuiltDaemon, count: number): Promise<EventRecord> {
  return until(`${count} restarts were seen`, async () => {
    const seen = (await daemon.events()).filter(({ kind }) => kind === "engine-restarted");
    return seen.length === count && seen.at(-1);
  });
}

async function bookedBy({ desk }: BuiltDaemon): Promise<number> {
  const rows = await desk.listUsers("");
  return rows.reduce((sum, row) => sum + row.lifetimeUplinkBytes + row.lifetimeDownlinkBytes, 0);
}

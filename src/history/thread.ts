/**
 * The thread that has the history's file to itself: it writes what it is sent,
 * one batch after the other, and does the upkeep between them.
 *
 * It decides nothing about failures but whether the file is at fault: then the
 * file is set aside and a new one begun. The rest is told to whoever started it.
 */
import { existsSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { ConnectionsSettings } from "../config-parts.ts";
import { DamagedStateError, reasonOf } from "../errors.ts";
import { ConnectionSampler } from "./connections/sampler.ts";
import type { PortClaims } from "./connections/served-ports.ts";
import { Db, isDamage, isPassing, setAside } from "./database.ts";
import type { HistoryBatch, OpenLogin, SeenConnections } from "./records.ts";
import { type Retention, Upkeep } from "./upkeep.ts";
import { HistoryWriter } from "./writer.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly path: string;
  readonly retention: Retention;
  /** Null where nobody is to know who is connected. */
  readonly connections: ConnectionsSettings | null;
}

/** What it is sent. */
export type ThreadOrder =
  | { readonly kind: "write"; readonly batch: HistoryBatch }
  | { readonly kind: "ports"; readonly claims: PortClaims }
  | { readonly kind: "close" };

/** What it says. */
export type ThreadReport =
  | { readonly kind: "ready"; readonly lastSequence: number; readonly open: readonly OpenLogin[] }
  | { readonly kind: "written"; readonly sequence: number }
  /** `passing`: the same batch may be written later. */
  | { readonly kind: "failed"; readonly why: string; readonly passing: boolean }
  | { readonly kind: "trouble"; readonly why: string }
  /** The file is not ours to write. Nothing is, until somebody does something about it. */
  | { readonly kind: "refused"; readonly why: string };

interface OpenFile extends Disposable {
  readonly writer: HistoryWriter;
  readonly upkeep: Upkeep;
}

/** How often it is looked whether a chore is due. */
const LOOK_MS = 5_000;

const { path, retention, connections } = workerData as ThreadData;
const port = parentPort;
if (port) serve((report) => port.postMessage(report));

function serve(tell: (report: ThreadReport) => void): void {
  let file = openFile(tell);
  if (!file) return;
  tell({ kind: "ready", lastSequence: file.writer.lastSequence(), open: file.writer.openLogins() });
  let tending = false;
  const timer = setInterval(() => tend(), LOOK_MS);
  const sampler =
    connections &&
    new ConnectionSampler({
      settings: connections,
      onLook: noted,
      onTrouble: (why) => tell({ kind: "trouble", why }),
    });
  const looks = connections ? setInterval(() => sampler?.look(), connections.period) : undefined;

  port?.on("message", (order: ThreadOrder) => {
    if (order.kind === "write") return tell(written(order.batch));
    if (order.kind === "ports") return sampler?.claim(order.claims);
    clearInterval(timer);
    clearInterval(looks);
    sampler?.[Symbol.dispose]();
    file?.[Symbol.dispose]();
    file = undefined;
    port.close();
  });
  tend();

  function written(batch: HistoryBatch): ThreadReport {
    const { sequence } = batch;
    try {
      write(batch);
      return { kind: "written", sequence };
    } catch (error) {
      return { kind: "failed", why: reasonOf(error), passing: isPassing(error) };
    }
  }

  function write(batch: HistoryBatch): void {
    if (!existsSync(path)) renew(new Error("it was removed"));
    try {
      file?.writer.write(batch, nowInSeconds());
    } catch (error) {
      if (!isDamage(error)) throw error;
      renew(error);
      file?.writer.write(batch, nowInSeconds());
    }
  }

  /** What is lost of one look, the next has. */
  function noted(rows: readonly SeenConnections[]): void {
    try {
      file?.writer.seenConnections(rows, nowInSeconds());
    } catch (error) {
      if (isDamage(error)) renew(error);
      else if (!isPassing(error)) throw error;
    }
  }

  /** A chore a turn, so that a batch that has come meanwhile waits for one step and no more. */
  function tend(): void {
    if (tending || !file) return;
    let done: string | undefined;
    try {
      done = file.upkeep.step(nowInSeconds());
    } catch (error) {
      if (isDamage(error)) renew(error);
      else if (!isPassing(error))
        tell({ kind: "trouble", why: `Cannot tidy the history: ${reasonOf(error)}` });
    }
    if (done === undefined) return;
    tending = true;
    setImmediate(() => {
      tending = false;
      tend();
    });
  }

  function renew(error: unknown): void {
    file?.[Symbol.dispose]();
    file = begunAnew(error, tell);
  }
}

/** @returns undefined when the file is refused. */
function openFile(tell: (report: ThreadReport) => void): OpenFile | undefined {
  try {
    return opened();
  } catch (error) {
    if (error instanceof DamagedStateError) {
      tell({ kind: "refused", why: error.message });
      return undefined;
    }
    if (isDamage(error)) return begunAnew(error, tell);
    throw error;
  }
}

/** What is left of the old file is kept. */
function begunAnew(error: unknown, tell: (report: ThreadReport) => void): OpenFile {
  const kept = existsSync(path) ? `; it is kept as ${setAside(path, Date.now())}` : "";
  const why = `The history in "${path}" cannot be used (${reasonOf(error)})${kept}, and a new one is begun`;
  tell({ kind: "trouble", why });
  return opened();
}

/** What is damaged may show only now, so it is read from at once. */
function opened(): OpenFile {
  const db = Db.openToWrite(path);
  try {
    const writer = new HistoryWriter(db);
    writer.openLogins();
    return { writer, upkeep: new Upkeep(db, retention), [Symbol.dispose]: () => db[Symbol.dispose]() };
  } catch (error) {
    db[Symbol.dispose]();
    throw error;
  }
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

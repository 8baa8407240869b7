/** The rows on client addresses: what a look at who is connected takes in the history's thread, and in an hour. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LooksReport } from "./connection-looks.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const MOST_LOOK_MS = 30;
const LOOKS_AN_HOUR = 720;

export async function* connectionRows(looks: number): AsyncGenerator<Row> {
  const program = join(import.meta.dirname, "connection-looks.ts");
  const args = ["-n", process.execPath, program, `${looks}`];
  const { stdout } = await promisify(execFile)("unshare", args, { maxBuffer: 16 << 20 });
  const report = JSON.parse(stdout) as LooksReport;
  const { clients, datagramClients, sockets } = report;
  const of = `${number(clients)} TCP clients among ${number(sockets)} sockets and ${number(datagramClients)} of UDP`;
  const p50 = median(report.looks);
  yield {
    what: `Connections: processor time of a look at ${of}`,
    ratio: `${number(p50 / MOST_LOOK_MS, 2)} x target`,
    figures: `p50 ${number(p50, 1)}, p99 ${number(percentile(report.looks, 99), 1)}, most ${number(Math.max(...report.looks), 1)} ms`,
    target: { text: `p50 <= ${MOST_LOOK_MS} ms`, met: p50 <= MOST_LOOK_MS },
  };
  const mean = report.written.reduce((sum, cost) => sum + cost, 0) / report.written.length;
  const hour = mean * LOOKS_AN_HOUR;
  yield {
    what: "Connections: processor time of an hour of such looks and what they write, one every 5 s",
    ratio: `${number((hour / 3_600_000) * 100, 2)} % of a core`,
    figures: `${number(hour / 1000, 1)} s`,
  };
}

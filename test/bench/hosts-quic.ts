/**
 * How many QUIC hellos a second one core reads: each flow as the capture meets it,
 * asked again with every datagram that comes.
 *
 * `node test/bench/hosts-quic.ts` prints its rows alone.
 */
import { parseQuicHello } from "../../src/hosts/parsers/quic-hello.ts";
import { CLIENTS, datagramsOf } from "../hosts/parsers/quic-fixtures.ts";
import { quicInitialFor } from "../support/quic-initial.ts";
import { median } from "./statistics.ts";
import { number, type Row } from "./table.ts";

type Flow = readonly Uint8Array[];

const RUNS = 7;
const FLOWS = 4000;

export function* quicRows(): Generator<Row> {
  for (const { file } of CLIENTS.slice(0, 3)) yield rowOf(file, Array<Flow>(FLOWS).fill(datagramsOf(file)));
  const fresh = Array.from({ length: FLOWS }, (_, index) => quicInitialFor(`host-${index}.example.net`));
  yield rowOf(`${number(FLOWS)} names under keys of their own`, fresh);
}

/** @throws {Error} when a flow has no name: then it was not its reading that was measured. */
function rowOf(what: string, flows: readonly Flow[]): Row {
  const took = Array.from({ length: RUNS }, () => {
    const began = performance.now();
    for (const flow of flows)
      if (!hasName(flow)) throw new Error(`Cannot measure ${what}: a flow has no name`);
    return performance.now() - began;
  });
  const each = median(took) / flows.length;
  const datagrams = flows[0]?.length ?? 0;
  const length = `${datagrams} ${datagrams === 1 ? "datagram" : "datagrams"}`;
  return {
    what: `QUIC hellos: ${what}`,
    ratio: "",
    figures: `${number(1000 / each)} a second, ${number(each * 1000, 1)} µs each (${length})`,
  };
}

function hasName(flow: Flow): boolean {
  return flow.some((_, index) => parseQuicHello(flow.slice(0, index + 1)).kind === "host");
}

if (import.meta.main)
  for (const { what, figures } of quicRows()) process.stdout.write(`${what}: ${figures}\n`);

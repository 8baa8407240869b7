/**
 * The rows on users behind a web server: to the engine they all come from one
 * address, as they do behind one NAT, and the gate must tell them apart.
 */
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine } from "../support/engines.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { type Cuts, measureCuts } from "./overshoot.ts";
import { openProxyStage } from "./proxy-stage.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const RATE = 20_000_000;
/** How much later the last byte may come behind nginx, and how much longer a neighbour may wait than without cuts, ms. */
const MOST_LATER_MS = 20;
const MOST_STALL_MS = 20;

/** Leaves this network for one of its own: gates are the host's. @param cuts how many each way. */
export async function* proxyRows(cuts: number): AsyncGenerator<Row> {
  const program = findEngine("xray");
  const missing = needs("root", "nft", "ip", "nginx") || (program ? "" : " (needs: xray)");
  if (missing || !program) {
    yield { what: "Cuts behind nginx", ratio: "", figures: `skipped:${missing}` };
    return;
  }
  enterOwnNetwork();
  const front = await cutsOf(program, "nothing", cuts);
  const behind = await cutsOf(program, "nginx", cuts);
  yield cutRow("in front of nginx", front);
  yield {
    ...cutRow("behind nginx", behind),
    ratio: `${number(median(behind.delays) - median(front.delays), 1)} ms later than in front`,
    target: {
      text: `median <= in front + ${MOST_LATER_MS} ms`,
      met: median(behind.delays) <= median(front.delays) + MOST_LATER_MS && behind.missed === 0,
    },
  };
  yield stallRow("behind the same address", front);
  yield stallRow("behind the same nginx", behind);
}

async function cutsOf(program: EngineProgram, behind: "nginx" | "nothing", cuts: number): Promise<Cuts> {
  const users = Array.from({ length: cuts }, (_, index) => testUser(`${behind}-${index}`));
  const others = { neighbour: testUser("neighbour"), free: testUser("free") };
  await using stage = await openProxyStage(program, [...users, ...Object.values(others)], behind);
  const measured = await measureCuts(stage, users, others, RATE); // the stage goes with this function
  return measured;
}

function cutRow(where: string, { beyond, delays, missed }: Cuts): Row {
  if (beyond.length === 0) throw new Error(`Cannot measure cuts: nobody was cut ${where}`);
  const kilobytes = beyond.map((count) => count / 1_000);
  return {
    what: `${beyond.length} users over WebSocket ${where}, ${RATE / 1e6} MB/s`,
    ratio: "",
    figures: [
      `last byte after crossing p50/max ${number(median(delays), 1)} / ${number(percentile(delays, 100), 1)} ms`,
      `beyond limit p50/max ${number(median(kilobytes))} / ${number(percentile(kilobytes, 100))} kB`,
      ...(missed > 0 ? [`${missed} NOT CUT`] : []),
    ].join("; "),
  };
}

function stallRow(where: string, { stall, controlStall }: Cuts): Row {
  return {
    what: `Neighbour at 5 MB/s ${where}`,
    ratio: `${number(stall / controlStall, 2)} x control`,
    figures: `longest gap ${number(stall, 1)} ms; without cuts ${number(controlStall, 1)} ms`,
    target: { text: `gap <= control + ${MOST_STALL_MS} ms`, met: stall <= controlStall + MOST_STALL_MS },
  };
}

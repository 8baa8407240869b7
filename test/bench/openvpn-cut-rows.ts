/** The rows on an OpenVPN user at his limit: what passes behind it, with a gate and without, and whether another notices. */
import { setOpenvpnStage } from "../e2e/openvpn-stage.ts";
import { openFlow, stopped } from "../support/openvpn/inner-flow.ts";
import { until } from "../support/until.ts";
import { median } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const LIMIT = 60 << 20;
/** The largest packet that the kernel puts together here. */
const GSO_PACKET = 64 << 10;
/** The longest time between two looks, ms. */
const POLL_MS = 500;
/** From a reading that crosses to the server's last packet, ms. */
const MOST_LATE_MS = 25;
const MOST_STALL_MS = 50;

/** One user's way to his limit, and on. */
interface Run {
  readonly way: "up" | "down";
  /** Inner bytes behind the limit, both directions, headers in; below 0 when he was stopped early. */
  readonly beyond: number;
  /** Bytes a second on the way there. */
  readonly rate: number;
  /** The other user's longest time without a byte, ms; 0 where nobody else was there. */
  readonly stall: number;
}

/** @param repeats in each direction. */
export async function* openvpnCutRows(repeats: number): AsyncGenerator<Row> {
  if (process.getuid?.() !== 0) {
    yield { what: "OpenVPN: cuts", ratio: "", figures: "skipped: it takes root" };
    return;
  }
  const gated = await runs("auto", repeats, { beside: false, limited: true });
  const most = Math.max(...gated.map(({ beyond }) => beyond));
  const open = await runs("off", repeats, { beside: false, limited: true });
  const mostLate = Math.max(...open.map(({ beyond, rate }) => (1_000 * beyond) / rate));
  yield {
    what: `OpenVPN: flat out to ${number(LIMIT / 1e6)} MB and on, by a gate`,
    ratio: `${number(most / GSO_PACKET, 1)} x ${GSO_PACKET >> 10} KiB; without gates ${number(Math.max(...open.map(({ beyond }) => beyond)) / GSO_PACKET)} x`,
    figures: figuresOf(gated),
    target: { text: `<= ${GSO_PACKET >> 10} KiB beyond`, met: most <= GSO_PACKET },
  };
  yield {
    what: "The same without gates",
    ratio: `${number(mostLate)} ms of its rate`,
    figures: figuresOf(open),
    target: { text: `<= ${POLL_MS} + ${MOST_LATE_MS} ms`, met: mostLate <= POLL_MS + MOST_LATE_MS },
  };
  const [cut, control] = [
    await runs("auto", repeats, { beside: true, limited: true }),
    await runs("auto", repeats, { beside: true, limited: false }),
  ].map((each) => each.map(({ stall }) => stall)) as [number[], number[]];
  // Now and then a transfer waits 200 ms for a packet sent again, cut or no cut: so the runs' medians are compared.
  const late = median(cut) - median(control);
  yield {
    what: "OpenVPN: another user flat out beside a cut, his longest stall",
    ratio: `${number(median(cut) / median(control), 2)} x control`,
    figures: `median ${number(median(cut))} ms, of all runs ${number(Math.max(...cut))} ms; without cuts ${number(median(control))} and ${number(Math.max(...control))} ms`,
    target: { text: `<= control + ${MOST_STALL_MS} ms`, met: late <= MOST_STALL_MS },
  };
}

/** Each user once, one after the other, in both directions. */
async function runs(
  gates: "auto" | "off",
  repeats: number,
  { beside, limited }: { readonly beside: boolean; readonly limited: boolean },
): Promise<readonly Run[]> {
  const users = Array.from({ length: 2 * repeats }, (_, index) => `u${index}`);
  await using stage = await setOpenvpnStage({
    clients: [...users, "other"],
    openvpn: { gates },
    settings: { max_period_ms: POLL_MS },
  });
  const { bed, sluice } = stage;
  await stage.start();
  await bed.run("up");
  await until("the server is looked at", async () => (await sluice.row("other")).lifetimeUplinkBytes > 0);
  const found: Run[] = [];
  for (const [index, user] of users.entries()) {
    const way = index % 2 === 0 ? "down" : "up";
    if (limited) {
      const { status, stderr } = await sluice.run("limit", "set", user, "60MB");
      if (status !== 0) throw new Error(`Cannot set the limit of ${user}: ${stderr}`);
    }
    const port = 6000 + 2 * index;
    const to = bed.tunnelAddress;
    await using other = beside
      ? openFlow(bed, { user: "other", way: "down", to, port: port + 1 })
      : undefined;
    if (other) await until("the other's transfer runs", () => other.received() > 4 << 20);
    const before = await inner();
    other?.restartStall();
    await using flow = openFlow(bed, { user, way, to, port, ...(limited ? {} : { bytes: LIMIT }) });
    const began = performance.now();
    await stopped(flow, 600);
    if (limited) await sluice.event("cut", user);
    const passed = (await inner()) - before;
    found.push({
      ...{ way, beyond: passed - LIMIT },
      rate: (1_000 * passed) / (flow.lastAt() - began),
      stall: other?.longestStall() ?? 0,
    });
  }
  return found;

  /** What the server's end of the tunnel carried so far, headers in; with what the gate dropped on its way up. */
  async function inner(): Promise<number> {
    const table = await bed.inside("server", "cat", "/proc/net/dev");
    const line = /^\s*\S+-tun:\s*(.*)$/m.exec(table)?.[1] ?? "";
    const figures = line.split(/\s+/).map(Number);
    return (figures[0] ?? 0) + (figures[8] ?? 0);
  }
}

function figuresOf(found: readonly Run[]): string {
  const beyond = (way: Run["way"]) =>
    found.filter((each) => each.way === way).map((each) => each.beyond / 1_000);
  const spread = (values: readonly number[]) =>
    `${number(Math.min(...values))} to ${number(Math.max(...values))} kB`;
  return `beyond, down ${spread(beyond("down"))}, up ${spread(beyond("up"))}; came at ${number(median(found.map(({ rate }) => rate)) / 1e6)} MB/s`;
}

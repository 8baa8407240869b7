/**
 * Polls a management interface for the benches and says what a poll cost it, in
 * milliseconds of CPU in the calmest fifty: "books" reads and books as the daemon does, "bare" reads
 * the answer and looks for its end alone.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { dayAt } from "../../src/calendar.ts";
import { systemClock } from "../../src/clock.ts";
import { Books } from "../../src/daemon/books.ts";
import { keeperName } from "../../src/names.ts";
import { ManagementLink } from "../../src/sources/openvpn/management-link.ts";
import { OpenvpnSource } from "../../src/sources/openvpn/openvpn-source.ts";

const WARM_UP = 100;
/** Other work on the machine comes in bursts: the calmest of several runs of polls tells what one costs. */
const BLOCK = 50;
/** Between two polls, ms: as long as the daemon has at most for users close to their limit. */
const PAUSE_MS = 20;
const [, , address = "", mode = "books", polls = "300"] = process.argv;
const poll = mode === "books" ? await bookingPoll() : await barePoll();
for (let round = 0; round < WARM_UP; round++) await poll();
let calmest = Number.POSITIVE_INFINITY;
for (let block = 0; block < Number(polls) / BLOCK; block++) {
  const before = process.cpuUsage();
  for (let round = 0; round < BLOCK; round++) {
    await poll();
    await delay(PAUSE_MS);
  }
  const { user, system } = process.cpuUsage(before);
  calmest = Math.min(calmest, (user + system) / 1000 / BLOCK);
}
process.stdout.write(`${calmest}\n`);
process.exit();

async function bookingPoll(): Promise<() => Promise<void>> {
  const name = keeperName("openvpn:bench");
  const loaded = { accounts: new Map(), keepers: new Map(), unusable: new Map(), damage: [], legacy: [] };
  const books = new Books(
    { ...loaded, keepersSequence: 0, lastKernelNumber: 0, tornLines: 0 },
    dayAt(systemClock.unix(), "UTC"),
    {
      ...{ count: "both", period: { kind: "never" }, aliases: new Map(), zone: "UTC" },
      now: () => systemClock.unix(),
      onRefused: (who, why) => process.stderr.write(`${who}: ${why}\n`),
    },
  );
  const up = Promise.withResolvers<void>();
  const listener = { onConnected: () => up.resolve() };
  const management = new ManagementLink({
    ...{ address, passwordFile: null, releaseHold: false, clock: systemClock, listener },
  });
  await up.promise;
  const source = new OpenvpnSource({
    ...{
      keeper: name,
      usersBy: "common-name",
      lineRate: 250_000,
      clock: systemClock,
      management,
      events: {},
    },
    knownCounters: (who) =>
      [...(books.accounts.get(who)?.counters ?? [])].map(([counter, { baseline }]) => ({
        counter,
        traffic: baseline,
      })),
  });
  const { signal } = new AbortController();
  return async () => {
    const report = await source.read("all", signal);
    books.fallen(report.readings);
    books.record(name, "openvpn", report);
  };
}

async function barePoll(): Promise<() => Promise<void>> {
  const socket = connect({ path: address });
  await once(socket, "data"); // the greeting
  return async () => {
    socket.write("status 3\n");
    let tail = "";
    while (!tail.endsWith("\r\nEND\r\n")) {
      const [chunk] = (await once(socket, "data")) as [Buffer];
      tail = (tail + chunk.subarray(-16).toString("latin1")).slice(-16);
    }
  };
}

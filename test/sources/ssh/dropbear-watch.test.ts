import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSockets } from "../../../src/kernel/open-sockets.ts";
import type { SocketTable } from "../../../src/kernel/sockets.ts";
import { DropbearWatch } from "../../../src/sources/ssh/dropbear-watch.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { startDropbear } from "./dropbear.ts";

const missing = needs("root", "dropbear", "dropbearkey");

describe.skipIf(missing)(`DropbearWatch${missing}`, { timeout: 60_000 }, () => {
  let sockets: SocketTable & Disposable;
  beforeAll(() => {
    sockets = openSockets();
  });
  afterAll(() => sockets?.[Symbol.dispose]());

  function startWatch() {
    const told: [pid: number, late: boolean][] = [];
    const watch = new DropbearWatch(sockets, (pid, late) => told.push([pid, late]));
    return { watch, told, [Symbol.dispose]: () => watch[Symbol.dispose]() };
  }

  test("tells of the connections there are as late ones, and of new ones as they are forked", async () => {
    await using dropbear = await startDropbear();
    const before = await dropbear.knock();
    using started = startWatch();
    const { watch, told } = started;
    watch.look();
    expect(told).toEqual([[before.pid, true]]);
    await watch.follow();
    told.splice(0);
    const after = await dropbear.knock();
    await until("the fork is told of", () => told.length > 0);
    expect(told).toEqual([[after.pid, false]]);
    expect(watch.trouble).toBeUndefined();
  });

  test("goes over to a listener that was restarted at the next look", async () => {
    await using dropbear = await startDropbear();
    using started = startWatch();
    const { watch, told } = started;
    watch.look();
    await watch.follow();
    await dropbear.restart();
    watch.look();
    await watch.follow();
    const { pid } = await dropbear.knock();
    await until("the fork is told of", () => told.length > 0);
    expect(told).toEqual([[pid, false]]);
  });

  test("is silent once it is disposed", async () => {
    await using dropbear = await startDropbear();
    const first = startWatch();
    using second = startWatch();
    for (const { watch } of [first, second]) {
      watch.look();
      await watch.follow();
    }
    first[Symbol.dispose]();
    await dropbear.knock();
    await until("the other one tells of it", () => second.told.length > 0);
    expect(first.told).toEqual([]);
  });

  test("knows the ports of a listener that is gone, since its connections live on", async () => {
    await using dropbear = await startDropbear();
    await dropbear.knock();
    using started = startWatch();
    const { watch } = started;
    watch.look();
    await dropbear.stop();
    watch.look();
    expect(watch.found.listeners).toEqual(new Map());
    expect(watch.ports).toEqual(new Set([dropbear.port]));
  });
});

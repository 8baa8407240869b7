/** What is booked of OpenVPN users is what the server itself said last of each login, to the byte. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type OpenvpnStage, setOpenvpnStage } from "./openvpn-stage.ts";

/** Pings of a second each way for a look's interval and the file's, in bytes. */
const MOST_OF_PINGS = 1_000;
const missing = needs("root", "openvpn", "ip", "socat", "openssl");

/** Waits until what is booked is what the server said of `logins` logins, and checks it in both directions. */
async function booked({ sluice, finalsOf }: OpenvpnStage, user: string, logins: number): Promise<void> {
  const finals = await until(
    `the server's last word on ${logins} logins of ${user}`,
    async () => {
      const found = await finalsOf(user);
      return found.logins >= logins && found;
    },
    30_000,
    () => finalsOf(user),
  );
  await until(
    `all of ${user} is booked`,
    async () => {
      const row = await sluice.row(user);
      return row.lifetimeUplinkBytes + row.lifetimeDownlinkBytes >= finals.up + finals.down;
    },
    10_000,
    async () => ({ row: await sluice.row(user), finals }),
  );
  const row = await sluice.row(user);
  expect({ up: row.lifetimeUplinkBytes, down: row.lifetimeDownlinkBytes }).toEqual({
    up: finals.up,
    down: finals.down,
  });
}

describe.skipIf(missing)(`OpenVPN's books${missing}`, () => {
  test("are the server's final figures over reconnects, a float, SIGUSR1, SIGHUP, SIGTERM, and our own kill -9", {
    timeout: 150_000,
  }, async () => {
    await using stage = await setOpenvpnStage({ keepalive: "1 4" });
    const { bed, sluice } = stage;
    let daemon = await stage.start();
    await sluice.event("metering-began");
    await bed.run("up");
    expect(await bed.traffic(4, "alice", "down")).toBe(true);
    expect(await bed.traffic(3, "bob", "up")).toBe(true);

    await bed.run("disconnect", "alice");
    await bed.run("connect", "alice");
    expect(await bed.traffic(2, "alice", "up")).toBe(true);

    // His address changes under the login.
    await bed.run("move", "alice");
    expect(await bed.traffic(1, "alice", "up")).toBe(true);

    for (const signal of ["usr1", "hup"]) {
      await bed.run("server", signal);
      await until(
        `the clients are back after ${signal}`,
        async () => (await bed.traffic(1, "bob", "down", 3)) && (await bed.traffic(1, "alice", "down", 3)),
        40_000,
      );
    }

    await daemon.kill();
    expect(await bed.traffic(2, "bob", "down")).toBe(true);
    await bed.run("disconnect", "bob"); // nobody looks: only the hook hears of it
    await bed.run("connect", "bob");
    expect(await bed.traffic(1, "bob", "up")).toBe(true);
    daemon = await stage.start();

    await bed.run("server", "term");
    await booked(stage, "alice", 4);
    await booked(stage, "bob", 4);
    await daemon.stop();
  });

  test("lack at most what moved after the last look when the server is killed, and say so", {
    timeout: 60_000,
  }, async () => {
    await using stage = await setOpenvpnStage({
      ...{ keepalive: "1 4", clients: ["alice"] },
      settings: { history: {} },
    });
    const { bed, sluice } = stage;
    // Names that older monitors know.
    await stage.start({ environment: { DB_FLUSH_INTERVAL: "1", BYTECOUNT_INTERVAL: "2" } });
    await bed.run("up");
    expect(await bed.traffic(3, "alice", "down")).toBe(true);
    await until("he is booked", async () => (await sluice.row("alice")).lifetimeDownlinkBytes > 3 << 20);
    const inFile = async () => {
      const row = /^CLIENT_LIST\talice\t.*$/m.exec(await readFile(bed.statusFile, "utf8"))?.[0];
      return Number(row?.split("\t")[6]);
    };
    // The transfer's end is in the books, and in the file, once pings alone are added.
    let looked = 0;
    await until(
      "what moves is pings alone",
      async () => {
        const { lifetimeDownlinkBytes: now } = await sluice.row("alice");
        const [before, grown] = [looked, now - looked];
        looked = now;
        return grown > 0 && grown < MOST_OF_PINGS && (await inFile()) >= before;
      },
      20_000,
    );
    await bed.run("server", "kill");
    const left = await inFile(); // a second old at most
    // Now: when the server is back, so may he be, and a handshake is 2 KB.
    const { lifetimeDownlinkBytes: before } = await sluice.row("alice");
    expect(Math.abs(before - left)).toBeLessThan(MOST_OF_PINGS);
    await bed.run("server", "start");
    const lost = await sluice.event("bytes-possibly-lost");
    expect(lost.text).toMatch(/alice.*after the last look at .* is lost/);
    await until("he is back", () => bed.traffic(1, "alice", "down"), 30_000);
    await until(
      "his new login is booked from zero",
      async () => (await sluice.row("alice")).lifetimeDownlinkBytes > before + (1 << 20),
    );

    const asJson = async (...args: readonly string[]) =>
      JSON.parse((await sluice.run("openvpn", ...args, "--json")).stdout) as Record<string, unknown>[];
    expect(await asJson("status")).toMatchObject([{ name: "server", answering: true, periodMs: 2000 }]);
    expect(await asJson("sessions")).toMatchObject([{ user: "alice", server: "server", denied: false }]);
    const logins = await until("both logins are in the history", async () => {
      const found = await asJson("history", "alice");
      return found.length === 2 && found;
    });
    expect(logins.map(({ endedMs, exact }) => ({ over: endedMs !== null, exact }))).toEqual(
      expect.arrayContaining([
        { over: true, exact: false },
        { over: false, exact: false },
      ]),
    );
  });
});

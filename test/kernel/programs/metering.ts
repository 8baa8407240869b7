/**
 * Runs in a network namespace of its own and drives our table with real flows
 * of real uids over the loopback. Prints what the table said as one line of JSON.
 *
 * First argument: "netlink" or "command".
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { LOGINS } from "../../../src/kernel/metering-script.ts";
import { MeteringTable, OPEN, SHUT } from "../../../src/kernel/metering-table.ts";
import { openCommandTable } from "../../../src/kernel/nft-command.ts";
import { TableWatch } from "../../../src/kernel/nft-events.ts";
import { openNftables } from "../../../src/kernel/nftables.ts";
import { bytes } from "../../../src/units.ts";

/** What a client sends and gets back in one exchange. */
const UP = 100_000;
const DOWN = 50_000;
const PORT = 7300;
/** Listens as a user does with a remote forward. */
const REMOTE_PORT = 7301;
const [AMY, JOE, ZOE] = [61_001, 61_002, 61_003];
const GIVE_UP_MS = 700;

execFileSync("ip", ["link", "set", "lo", "up"]);
// On a busy machine an acknowledgement comes late enough for a packet to be sent, and counted, twice.
writeFileSync("/proc/sys/net/ipv4/tcp_early_retrans", "0");
using nft = process.argv[2] === "command" ? await openCommandTable("sluice") : await openNftables("sluice");
const table = new MeteringTable(nft, { form: LOGINS, gated: "both", cgroupLevel: 2 });
const depleted: string[] = [];
let gone = 0;
using _events = await new TableWatch().watch("sluice", {
  onDepleted: (quota) => depleted.push(quota),
  onRulesGone: () => {
    gone += 1;
  },
  onLost: () => undefined,
});
const server = createServer((socket) => {
  let received = 0;
  socket.on("data", (data) => {
    received += data.length;
    if (received >= UP) socket.end(Buffer.alloc(DOWN));
  });
  socket.on("error", () => undefined);
}).listen(PORT, "127.0.0.1");
await once(server, "listening");

const report: Record<string, unknown> = {};
report["without"] = (await table.look()) === undefined;
await table.build([
  { number: 1, uid: AMY, limit: () => OPEN },
  { number: 2, uid: JOE, limit: () => bytes(1_000_000) },
]);
report["epoch"] = table.epoch;
report["fresh"] = await table.look();
report["intact"] = await table.intact();

await exchange(AMY);
report["amy"] = await table.look();
await exchange(0);
report["root"] = await table.look();

await table.setLimit(2, bytes(200_000));
await exchange(JOE);
await table.look();
const passed = await exchange(JOE);
await pause(100);
await table.look();
report["stopped"] = {
  passed,
  reading: readingOf(table, 2),
  gate: stateOf(await table.gateOf(2)),
  depleted: depleted.includes("g00000002"),
};
const stoppedAt = total(2);
await table.reopen(2, bytes(stoppedAt + 400_000));
report["reopened"] = { gate: stateOf(await table.gateOf(2)), at: stoppedAt, passed: await exchange(JOE) };

await table.setLimit(2, SHUT);
report["shut"] = { passed: await exchange(JOE), moved: await table.look() };

// Accounts come and go while others stay.
await exchange(AMY);
await table.add({ number: 3, uid: ZOE }, OPEN);
await exchange(ZOE);
report["added"] = sorted(await table.look());
await table.remove(3);
await exchange(ZOE);
report["removed"] = await table.look();
await table.setUid(1, ZOE);
await exchange(AMY);
await exchange(ZOE);
report["moved"] = await table.look();

// A flow that was opened towards the user: what he sends is up all the same.
await table.look();
await towards(ZOE);
report["towards"] = await table.look();

// Another of our processes finds the table and goes on with it, also where a gate is shut that counted before.
const third = new MeteringTable(nft, { form: LOGINS, gated: "both", cgroupLevel: 2 });
await third.build([
  { number: 1, uid: ZOE, limit: () => SHUT },
  { number: 2, uid: JOE, limit: () => SHUT },
]);
report["shutAgain"] = await exchange(ZOE);
await third.reopen(1, OPEN);
report["openAgain"] = await exchange(ZOE);
await table.look();
const second = new MeteringTable(nft, { form: LOGINS, gated: "both", cgroupLevel: 2 });
await second.build([{ number: 1, uid: ZOE, limit: () => OPEN }]);
report["second"] = {
  same: second.epoch === table.epoch,
  reading: readingOf(second, 1),
  before: readingOf(table, 1),
};
report["leftover"] = execFileSync("nft", ["list", "table", "inet", "sluice"]).toString().includes("00000002");

execFileSync("nft", ["flush", "table", "inet", "sluice"]);
await pause(100);
report["flushed"] = { intact: await second.intact(), told: gone > 0 };
execFileSync("nft", ["flush", "ruleset"]);
report["lost"] = (await second.look()) === undefined;
await second.build([{ number: 1, uid: ZOE, limit: () => SHUT }]);
report["again"] = {
  epoch: second.epoch,
  reading: readingOf(second, 1),
  passed: await exchange(ZOE),
  moved: sorted(await second.look()),
};

// All or nothing: the second of two changes cannot be.
const before = execFileSync("nft", ["list", "table", "inet", "sluice"]).toString();
report["refused"] = await nft
  .apply([
    { kind: "add-counter", name: "u51000099" },
    { kind: "add-element", set: "up", key: { mark: 0x51000099 }, value: { counter: "u51000077" } },
  ])
  .then(
    () => "nothing",
    (error: Error) => error.message,
  );
report["untouched"] = execFileSync("nft", ["list", "table", "inet", "sluice"]).toString() === before;

const many = Array.from({ length: 1_000 }, (_, index) => ({
  number: index + 1,
  uid: 62_000 + index,
  limit: () => OPEN,
}));
await second.build(many);
report["many"] = (await second.look())?.length;
await second.drop();
report["dropped"] = execFileSync("nft", ["list", "tables"]).toString().trim();
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit();

/** One exchange as this user. @returns bytes he got before it ended or seemed to hang. */
async function exchange(uid: number): Promise<number> {
  const program = `
    const socket = require("node:net").connect(${PORT}, "127.0.0.1");
    let got = 0;
    const end = () => { console.log(got); process.exit(); };
    socket.write(Buffer.alloc(${UP}));
    socket.on("data", (data) => { got += data.length; }).on("error", end).on("close", end);
    setTimeout(end, ${GIVE_UP_MS});`;
  return run(uid, program);
}

/** A connection the user accepts: he sends UP bytes, and gets DOWN. */
async function towards(uid: number): Promise<number> {
  const program = `
    require("node:net").createServer((socket) => {
      let got = 0;
      socket.on("data", (data) => { got += data.length; if (got === ${DOWN}) socket.end(Buffer.alloc(${UP})); });
      socket.on("close", () => { console.log(got); process.exit(); });
    }).listen(${REMOTE_PORT}, "127.0.0.1");
    setTimeout(() => process.exit(1), 5000);`;
  const client = `
    const connect = () => {
      const socket = require("node:net").connect(${REMOTE_PORT}, "127.0.0.1");
      socket.on("error", () => setTimeout(connect, 20)).on("connect", () => socket.write(Buffer.alloc(${DOWN})));
      let got = 0;
      socket.on("data", (data) => { got += data.length; if (got === ${UP}) socket.end(); }).on("end", () => process.exit());
    };
    connect();
    setTimeout(() => process.exit(1), 5000);`;
  const other = spawn(process.execPath, ["-e", client]);
  const got = await run(uid, program);
  if (other.exitCode === null) await once(other, "exit");
  return got;
}

async function run(uid: number, program: string): Promise<number> {
  const child = spawn(process.execPath, ["-e", program], {
    uid,
    gid: uid,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  let said = "";
  child.stdout.on("data", (data: Buffer) => {
    said += data.toString();
  });
  await ended;
  return Number(said);
}

function total(number: number): number {
  const { uplink, downlink } = readingOf(table, number);
  return uplink + downlink;
}

function stateOf(state: { limit: number; used: number; depleted: boolean } | undefined) {
  return state && { limit: state.limit, used: state.used, depleted: state.depleted };
}

function sorted(readings: readonly { number: number }[] | undefined) {
  return readings?.toSorted((left, right) => left.number - right.number);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function readingOf(of: MeteringTable, number: number) {
  const { uplink, downlink } = of.passedOf(number);
  return { uplink, downlink };
}

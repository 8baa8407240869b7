/**
 * What SSH metering costs: one read of all accounts, and the way of a packet.
 *
 * Runs as a process of its own in a network namespace of its own, next to a
 * second one at the other end of a veth pair, and prints one line of JSON. Both
 * halves compare, in turns within the same minute, what differs in one thing
 * alone; figures of different moments say little on a shared machine.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { systemClock } from "../../src/clock.ts";
import { libc } from "../../src/kernel/libc.ts";
import { LOGINS } from "../../src/kernel/metering-script.ts";
import { MeteringTable, OPEN } from "../../src/kernel/metering-table.ts";
import { openNftables } from "../../src/kernel/nftables.ts";
import { keeperName, userName } from "../../src/names.ts";
import { KernelSource } from "../../src/sources/ssh/kernel-source.ts";
import { median } from "./statistics.ts";

export interface SshCost {
  /** Milliseconds of one read of `accounts`: through the source with every account moving, and the dump alone. */
  readonly accounts: number;
  readonly read: number;
  readonly bare: number;
  /** Bytes a second through one flow, medians of the rounds. */
  readonly few: number;
  readonly many: number;
  /** What `many` is of `few`: the median of the rounds' own ratios, since the machine's pace drifts. */
  readonly manyOfFew: number;
  readonly chain: number;
  readonly none: number;
}

const FEW = 10;
const MANY = 1_000;
const FIRST_UID = 61_000;
const ROUNDS = 15;
const ROUND_MS = 1_000;
const READS = 300;
const PORT = 7_400;
const [FAR_ADDRESS, NEAR_ADDRESS] = ["10.201.0.2", "10.201.0.1"];

const far = process.argv[2];
if (far !== undefined) process.stdout.write(`${JSON.stringify(await measure(far))}\n`);

/** @param farNamespace the name of the namespace at the other end. */
async function measure(farNamespace: string): Promise<SshCost> {
  joinNamespaces(farNamespace);
  const { read, bare } = await readCost();
  using sink = await startSink(farNamespace);
  void sink;
  const rates = { few: [] as number[], many: [] as number[], chain: [] as number[], none: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ["few", "many", "chain", "none"] as const) {
      await lay(kind);
      rates[kind].push(await rateOfOneFlow());
    }
  }
  return {
    ...{ accounts: MANY, read, bare },
    few: median(rates.few),
    many: median(rates.many),
    manyOfFew: median(rates.many.map((rate, round) => rate / (rates.few[round] ?? 0))),
    chain: median(rates.chain),
    none: median(rates.none),
  };
}

async function readCost(): Promise<{ read: number; bare: number }> {
  using nft = await openNftables("sluice");
  const table = new MeteringTable(nft, { form: LOGINS, gated: "both", cgroupLevel: 2 });
  await table.build(slots(MANY));
  const users = Array.from({ length: MANY + 1 }, (_, number) => userName(`user${number}`));
  const source = new KernelSource({
    name: keeperName("ssh"),
    table,
    clock: systemClock,
    userOf: (number) => users[number],
    rebuild: () => Promise.reject(new Error("The table vanished")),
  });
  const reads: number[] = [];
  const bares: number[] = [];
  const dump = bareDump();
  for (let index = 0; index < READS; index++) {
    source.forget();
    let began = performance.now();
    const report = await source.read();
    reads.push(performance.now() - began);
    if (report.readings.length !== MANY)
      throw new Error(`Read ${report.readings.length} of ${MANY} accounts`);
    began = performance.now();
    dump();
    bares.push(performance.now() - began);
  }
  await table.drop();
  return { read: median(reads), bare: median(bares) };
}

/** The dump as the kernel gives it, looked into no further than for its end. */
function bareDump(): () => void {
  const calls = libc();
  const descriptor = calls.socket(16, 3, 12);
  const buffer = Buffer.alloc(1 << 16);
  const name = Buffer.from("sluice\0");
  const request = Buffer.alloc(20 + 4 + 8 + 8);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE((10 << 8) | 19, 4);
  request.writeUInt16LE(0x301, 6);
  request.writeUInt8(1, 16);
  request.writeUInt16LE(4 + name.length, 20);
  request.writeUInt16LE(1, 22);
  name.copy(request, 24);
  request.writeUInt16LE(8, 32);
  request.writeUInt16LE(3, 34);
  request.writeUInt32BE(1, 36);
  return () => {
    calls.send(descriptor, request, request.length, 0);
    for (;;) {
      const length = calls.recv(descriptor, buffer, buffer.length, 0);
      if (length < 16) throw new Error("The dump broke off");
      if (buffer.readUInt16LE(4) === 3) return;
      // The end may be the last message of a datagram: it is 20 bytes long.
      if (length >= 20 && buffer.readUInt32LE(length - 20) === 20 && buffer.readUInt16LE(length - 16) === 3)
        return;
    }
  };
}

/** A host without rules, with so many accounts in our table, or with a chain of owner rules as long. */
async function lay(kind: "few" | "many" | "chain" | "none"): Promise<void> {
  nftScript("flush ruleset");
  if (kind === "none") return;
  if (kind === "chain") {
    const rules = Array.from(
      { length: MANY },
      (_, index) => `add rule inet scripts out meta skuid ${FIRST_UID + MANY - index} counter return`,
    );
    nftScript(
      [
        "add table inet scripts",
        "add chain inet scripts out { type filter hook output priority 0; }",
        ...rules,
      ].join("\n"),
    );
    return;
  }
  using nft = await openNftables("sluice");
  await new MeteringTable(nft, { form: LOGINS, gated: "both", cgroupLevel: 2 }).build(
    slots(kind === "few" ? FEW : MANY),
  );
}

function slots(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    uid: FIRST_UID + index + 1,
    limit: () => OPEN,
  }));
}

function joinNamespaces(farNamespace: string): void {
  const ip = (...args: string[]) => execFileSync("ip", args);
  const inFar = (...args: string[]) =>
    execFileSync("nsenter", [`--net=/run/netns/${farNamespace}`, "--", "ip", ...args]);
  ip("link", "add", "bench0", "type", "veth", "peer", "name", "bench1", "netns", farNamespace);
  ip("addr", "add", `${NEAR_ADDRESS}/24`, "dev", "bench0");
  inFar("addr", "add", `${FAR_ADDRESS}/24`, "dev", "bench1");
  // A packet of the wire's size each, as on a real card: else one rule sees 64 KB at a time.
  ip("link", "set", "bench0", "up", "gso_max_segs", "1");
  inFar("link", "set", "bench1", "up");
  ip("link", "set", "lo", "up");
}

async function startSink(farNamespace: string): Promise<Disposable> {
  const program = `require("node:net").createServer((s) => { s.resume(); s.on("error", () => {}); }).listen(${PORT}, "${FAR_ADDRESS}", () => console.log("up"));`;
  const sink = spawn("nsenter", [`--net=/run/netns/${farNamespace}`, "--", process.execPath, "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(sink.stdout as NonNullable<ChildProcess["stdout"]>, "data");
  return { [Symbol.dispose]: () => void sink.kill() };
}

/** As the first account's uid, which is the last of the chain. */
async function rateOfOneFlow(): Promise<number> {
  const program = `
    const socket = require("node:net").connect(${PORT}, "${FAR_ADDRESS}");
    const block = Buffer.alloc(1 << 18);
    let sent = 0;
    const pump = () => { while (socket.write(block)) sent += block.length; sent += block.length; };
    socket.on("drain", pump);
    socket.on("connect", () => {
      pump();
      setTimeout(() => { console.log(sent - socket.writableLength); process.exit(); }, ${ROUND_MS});
    });`;
  const pump = spawn(process.execPath, ["-e", program], {
    uid: FIRST_UID + 1,
    gid: FIRST_UID + 1,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = (await once(pump.stdout, "data")) as [Buffer];
  await once(pump, "exit");
  return Number(said.toString()) / (ROUND_MS / 1_000);
}

function nftScript(text: string): void {
  execFileSync("nft", ["-f", "-"], { input: `${text}\n` });
}

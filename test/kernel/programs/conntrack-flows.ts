/**
 * Runs in a network namespace of its own (unshare -n) and tries out what a
 * Conntrack does on live connections. Prints what came of it as one line of JSON.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { openConntrack } from "../../../src/kernel/conntrack.ts";
import type { Endpoint } from "../../../src/kernel/sockets.ts";
import { becomeNobody } from "./nobody.ts";

// "ct mark set" at birth stands for somebody else's rules, or an older table of ours.
const RULES = `table inet t {
  chain zones { type filter hook output priority -300;
    tcp dport 4005 ct zone set 5
    tcp sport 4005 ct zone set 5
  }
  chain zones-in { type filter hook prerouting priority -300;
    tcp dport 4005 ct zone set 5
    tcp sport 4005 ct zone set 5
  }
  chain out { type filter hook output priority 0;
    tcp dport 4002 ct state new ct mark set 0x77
    tcp dport { 4003, 4005 } ct state new ct mark set 0x51000020
    tcp dport 4004 ct state new ct mark set 0x51000028
  }
}`;
const OURS = 0x51000008;
const OTHERS = 0x51000010;
const ACCOUNT = 0xfffffff8;
const MANY = 300;

const OPENED = 4000;
const ANSWERED = 4001;
const FOREIGN = 4002;
const CROWD = 4003;
const NEIGHBOUR = 4004;
const ZONED = 4005;
const UNMARKED = 4006;

execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("nft", ["-f", "-"], { input: RULES });
const sockets: Socket[] = [];
const conntrack = openConntrack();

const families = [];
for (const address of ["127.0.0.1", "::1"]) families.push(await tryFamily(address));
const refused = [
  () => conntrack.forgetMarked(0, ACCOUNT),
  () => conntrack.forgetMarked(7, ACCOUNT),
  () => conntrack.forgetMarked(OURS, 0),
  () => conntrack.markFlow(end("127.0.0.1", 1), end("127.0.0.1", 2), 0),
].map(nameOfError);
const before = entriesByPort();
conntrack.forgetMarked(OURS, ACCOUNT);
const withoutOurs = entriesByPort();
conntrack.forgetMarked(0x51000020, ACCOUNT);
conntrack.forgetMarked(0x51000020, ACCOUNT);
const withoutCrowd = entriesByPort();
const delivers = await Promise.all(families.map(({ pair }) => arrives(pair.client, pair.accepted)));
const afterwards = entriesByPort();
conntrack[Symbol.dispose]();
becomeNobody();
const unprivileged = nameOfError(() => openConntrack());

console.log(
  JSON.stringify({
    outcomes: families.map(({ outcomes }) => outcomes),
    refused,
    before,
    withoutOurs,
    withoutCrowd,
    delivers,
    afterwards,
    unprivileged,
  }),
);
for (const socket of sockets) socket.destroy();
process.exit();

async function tryFamily(address: string) {
  const pair = await open(address, OPENED);
  const answered = await open(address, ANSWERED);
  const foreign = await open(address, FOREIGN);
  await open(address, NEIGHBOUR);
  await open(address, UNMARKED);
  const zoned = await open(address, ZONED);
  for (let index = 0; index < MANY; index += 1) await open(address, CROWD);
  const [own, peer] = [ownEnd(pair.client), end(address, OPENED)];
  const outcomes = {
    opened: conntrack.markFlow(own, peer, OURS),
    again: conntrack.markFlow(own, peer, OURS),
    fromItsOtherEnd: conntrack.markFlow(peer, own, OURS),
    another: conntrack.markFlow(own, peer, OTHERS),
    answered: conntrack.markFlow(end(address, ANSWERED), ownEnd(answered.client), OURS + 1),
    foreign: conntrack.markFlow(ownEnd(foreign.client), end(address, FOREIGN), OURS),
    gone: conntrack.markFlow(own, end(address, 1), OURS),
    ofTwoFamilies: conntrack.markFlow(own, end(address === "::1" ? "127.0.0.1" : "::1", OPENED), OURS),
    inAnotherZone: conntrack.markFlow(ownEnd(zoned.client), end(address, ZONED), OURS),
    mapped:
      address === "::1" ? "marked" : conntrack.markFlow(end(`::ffff:${own.address}`, own.port), peer, OURS),
  };
  return { pair, outcomes };
}

async function open(address: string, port: number): Promise<{ client: Socket; accepted: Socket }> {
  const server = createServer().listen(port, address);
  await once(server, "listening");
  const client = connect(port, address);
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
    [Socket],
    unknown,
  ];
  sockets.push(client, accepted);
  server.close();
  return { client, accepted };
}

/** Marks of the entries, by the port their opener connected to and the family, as the command prints them. */
function entriesByPort(): Record<string, string> {
  const found = new Map<string, string[]>();
  for (const family of ["ipv4", "ipv6"]) {
    const output = execFileSync("conntrack", ["-L", "-f", family], { encoding: "utf8", stdio: "pipe" });
    for (const line of output.split("\n")) {
      const port = / dport=(\d+)/.exec(line)?.[1];
      if (!port || !line.includes("ESTABLISHED")) continue;
      const mark = Number(/ mark=(\d+)/.exec(line)?.[1]).toString(16);
      const key = `${port} ${family}`;
      found.set(key, [...(found.get(key) ?? []), mark]);
    }
  }
  return Object.fromEntries(
    [...found].map(([key, marks]) => [key, `${marks.length} x ${[...new Set(marks)].join()}`]),
  );
}

async function arrives(from: Socket, to: Socket): Promise<boolean> {
  const arrived = once(to, "data") as Promise<[Buffer]>;
  from.write("still here");
  return (await arrived)[0].toString() === "still here";
}

function nameOfError(attempt: () => unknown): string {
  try {
    attempt();
    return "done";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

function ownEnd(socket: Socket): Endpoint {
  return end(socket.localAddress ?? "", socket.localPort ?? 0);
}

function end(address: string, port: number): Endpoint {
  return { address, port };
}

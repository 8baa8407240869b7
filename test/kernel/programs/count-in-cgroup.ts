/**
 * Runs in a network namespace of its own (unshare -n). Arguments: a cgroup's
 * path for nft, and its level. Waits until it has been moved into that cgroup,
 * sends 3 datagrams from a socket opened before and 5 from one opened after,
 * and prints how many packets each of nft's rules counted.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const [, , path = "", level = ""] = process.argv;
const RULES = `table inet t {
  chain out { type filter hook output priority 0;
    udp dport 4000 counter
    socket cgroupv2 level ${level} "${path}" udp dport 4000 counter
  }
}`;

execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("nft", ["-f", "-"], { input: RULES });
const before = await openSender();
console.log("ready");
const own = `/${path.split("/").slice(-2).join("/")}`;
while (!readFileSync("/proc/self/cgroup", "utf8").includes(`0::${own}\n`)) await delay(10);
const after = await openSender();
for (let sent = 0; sent < 3; sent += 1) await send(before);
for (let sent = 0; sent < 5; sent += 1) await send(after);
const listing = execFileSync("nft", ["list", "table", "inet", "t"], { encoding: "utf8" });
console.log(JSON.stringify([...listing.matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets))));
process.exit();

async function openSender() {
  const socket = createSocket("udp4").bind();
  await once(socket, "listening");
  return socket;
}

function send(socket: Awaited<ReturnType<typeof openSender>>): Promise<unknown> {
  return new Promise((resolve) => socket.send("x", 4000, "127.0.0.1", resolve));
}

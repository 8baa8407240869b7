/**
 * Runs in a network namespace of its own (unshare -n). Argument: a cgroup's path
 * below the v2 mount. Claims it twice, waits until it has been moved into it,
 * sends to itself, and prints how many packets each rule marked; then releases
 * it twice and prints the rules that are left; then claims it once more, releases
 * all that are in the same folder, and prints again.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { marksOf, SERVICE_SSH } from "../../../src/kernel/account-marks.ts";
import { claimByRules, releaseAllRules, releaseByRules } from "../../../src/kernel/cgroup-rules.ts";

const [, , path = ""] = process.argv;
const marks = marksOf(7, SERVICE_SSH);

execFileSync("ip", ["link", "set", "lo", "up"]);
await claimByRules(path, marks);
await claimByRules(path, marks);
console.log("ready");
while (!readFileSync("/proc/self/cgroup", "utf8").includes(`0::/${path}\n`)) await delay(10);
const socket = createSocket("udp4").bind();
await once(socket, "listening");
for (let sent = 0; sent < 3; sent += 1) {
  await new Promise((resolve) => socket.send("x", 4000 + sent, "127.0.0.1", resolve));
}
console.log(JSON.stringify({ ipv4: rules("iptables-save"), ipv6: rules("ip6tables-save") }));
await releaseByRules(path, marks);
await releaseByRules(path, marks);
console.log(JSON.stringify({ ipv4: rules("iptables-save"), ipv6: rules("ip6tables-save") }));
await claimByRules(path, marks);
const others = "-t mangle -A OUTPUT -p udp -j CONNMARK --set-mark 0x9";
execFileSync("iptables", others.split(" "));
await releaseAllRules(path.split("/")[0] ?? "");
console.log(JSON.stringify({ ipv4: rules("iptables-save"), ipv6: rules("ip6tables-save") }));
process.exit();

/** Of each rule the packets it met, and the mark it gives. */
function rules(program: string): [packets: number, mark: string][] {
  const table = execFileSync(program, ["-c", "-t", "mangle"], { encoding: "utf8" });
  return [...table.matchAll(/^\[(\d+):\d+\] -A OUTPUT .*--set-xmark (0x[0-9a-f]+)/gm)].map(
    ([, packets, mark = ""]) => [Number(packets), mark],
  );
}

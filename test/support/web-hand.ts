/**
 * What somebody who took the web over could try: run as its uid, by `web-rights.test.ts`.
 *
 * Arguments: the installation's folder, and the daemon's pid. One line of JSON
 * comes back: by attempt "refused" with why, or "done" with what came of it.
 */
import { execFile } from "node:child_process";
import {
  access,
  appendFile,
  constants,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import { ControlClient } from "../../src/control/client.ts";
import { CONTROL_SERVICE } from "../../src/control/definition.ts";
import type { WebDesk } from "../../src/control/rows.ts";
import { WebClient } from "../../src/control/web-client.ts";
import { codeOf, reasonOf } from "../../src/errors.ts";
import { connectJsonLines } from "../../src/json-lines.ts";
import { openConntrack } from "../../src/kernel/conntrack.ts";
import { openNetlinkTable } from "../../src/kernel/nft-netlink.ts";
import { openSocketTable } from "../../src/kernel/sock-diag.ts";

export type Attempts = Readonly<
  Record<string, { readonly outcome: "refused" | "done"; readonly what: string }>
>;

const [, , directory = "", daemonPid = "0", uid = "0"] = process.argv;
const at = (...parts: readonly string[]) => join(directory, ...parts);
const usage = at("state", "usage");
using web = new WebClient(at("run", "web.sock"));
/** One for all: the daemon takes few connections at a time. */
const byHand = new Client(`unix:${at("run", "web.sock")}`, credentials.createInsecure());
const run = promisify(execFile);

/** All of these must fail. */
const trespasses: Readonly<Record<string, () => unknown>> = {
  "list the accounts' files": () => readdir(usage),
  "read an account's file": () => readFile(join(usage, "alice.json")),
  "write an account's file": () => writeFile(join(usage, "alice.json"), "{}"),
  "make an account's file": () => writeFile(join(usage, "mallory.json"), "{}"),
  "remove the state's lock": () => rm(join(usage, ".lock")),
  "read a server's password": () => readFile(at("password")),
  "read /etc/shadow": () => readFile("/etc/shadow"),
  "write /etc/passwd": () => appendFile("/etc/passwd", ""),
  "read the events": () => readFile(at("log", "events.jsonl")),
  "write the events": () => appendFile(at("log", "events.jsonl"), ""),
  "write the settings": () => appendFile(at("settings.json"), ""),
  "put settings in their place": () => rm(at("settings.json")),
  "write the history": () => appendFile(at("data", "history.db"), ""),
  "make a file in the data folder": () => writeFile(at("data", "mine"), ""),
  "make a socket's folder": () => mkdir(at("run", "mine")),
  "link a socket": () => link(at("run", "control.sock"), "/tmp/mine.sock"),
  "ask on the administrator's socket": async () => {
    using client = new ControlClient(at("run", "control.sock"));
    await client.status();
  },
  "ask on the capture's line": () => connectJsonLines(at("run", "flows.sock")),
  "signal the daemon": () => process.kill(Number(daemonPid), 0),
  "read the daemon's memory": () => open(`/proc/${daemonPid}/mem`),
  "see the daemon's files": () => readdir(`/proc/${daemonPid}/fd`),
  "become root": () => process.setuid?.(0),
  "run nft": () => run("nft", ["list", "ruleset"]),
  "change the packet filter": async () => {
    using table = openNetlinkTable("sluice_web_hand");
    await table.apply([{ kind: "add-counter", name: "mine" }]);
  },
  "change connection tracking": () => {
    using tracking = openConntrack();
    return tracking.forgetMarked(1, 1);
  },
  "see sockets' marks": () => {
    using sockets = openSocketTable();
    return sockets.listMarked(1, 1);
  },
  "write a sysctl": () => access("/proc/sys/net/netfilter/nf_conntrack_max", constants.W_OK),
  "delete an account": () => web.delete("alice", true, "mallory"),
  "order without a name": () => web.setDisabled("alice", true, ""),
  "order under a name with a line's end": () => web.setDisabled("alice", true, "a\nb"),
  "turn the settings' mode": () => web.changeSettings([{ key: "mode", value: '"observe"' }], "mallory"),
  "let the web delete": () => web.changeSettings([{ key: "web.may_delete", value: "true" }], "mallory"),
  ...Object.fromEntries(
    Object.values(CONTROL_SERVICE).map(({ path }) => [`call ${path} on the web's socket`, () => raw(path)]),
  ),
};

const calls: Readonly<Record<Exclude<keyof WebDesk, "delete">, () => unknown>> = {
  status: async () => (await web.status()).mode,
  listUsers: async () => (await web.listUsers("alice")).length,
  setLimit: async () => {
    const limit = { name: "alice", totalBytes: 1 << 30, dailyBytes: undefined, period: "" };
    return (await web.setLimit({ ...limit, yes: false, create: false }, "ann")).totalLimitBytes;
  },
  reset: async () => (await web.reset({ name: "alice", all: false }, "ann")).length,
  setDisabled: async () => (await web.setDisabled("alice", true, "ann")).state,
  watch: async () => {
    for await (const { users } of web.watch({ periodMs: 1000, inView: [] }, AbortSignal.timeout(5_000)))
      return users.length;
    return 0;
  },
  openvpnServers: () => web.openvpnServers(),
  openvpnLogins: () => web.openvpnLogins(),
  openvpnKick: () => web.openvpnKick("alice", "ann").catch(reasonOf),
  sshLogins: () => web.sshLogins(),
  audit: () =>
    web.audit([
      { kind: "web-signed-in", actor: "ann", address: "192.0.2.7", text: "ann signed in", count: 1 },
    ]),
  settings: async () => (await web.settings()).length,
  findings: async () => Object.keys(JSON.parse((await web.findings(false)).json) as object),
  changeSettings: async () =>
    (await web.changeSettings([{ key: "warn_percent", value: "[70]" }], "ann"))[0]?.value,
};

async function attempt(what: () => unknown): Promise<Attempts[string]> {
  try {
    const result = await what();
    return { outcome: "done", what: JSON.stringify(result) ?? "" };
  } catch (error) {
    return { outcome: "refused", what: `${codeOf(error) ?? ""} ${reasonOf(error)}` };
  }
}

/** A call that the web's service does not have: the answer is gRPC's own. */
function raw(path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const same = (bytes: Buffer) => bytes;
  byHand.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, answer) => {
    if (error) reject(new Error(error.message));
    else resolve(answer);
  });
  return promise;
}

if (process.getuid?.() !== Number(uid)) throw new Error(`expected to run as ${uid}`);
const attempts: Record<string, Attempts[string]> = {};
const findings = attempt(calls.findings);
for (const [name, what] of Object.entries(trespasses)) attempts[name] = await attempt(what);
for (const [name, what] of Object.entries(calls)) {
  attempts[name] = name === "findings" ? await findings : await attempt(what);
}
byHand.close();
process.stdout.write(`${JSON.stringify(attempts)}\n`);

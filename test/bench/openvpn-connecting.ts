/** Forty clients that come to an OpenVPN server at once, with a connect hook and without. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTestbed, type Testbed } from "../support/openvpn/testbed.ts";
import { until } from "../support/until.ts";

const LONGEST_MS = 60_000;

/**
 * In turns, on one server that is started anew each time: without a hook, with a
 * program that does nothing, which no hook can be faster than, and with ours.
 *
 * @returns milliseconds from the first client's certificate to the last one's PUSH_REPLY.
 */
export async function connectingSpans(
  hook: string,
  clients: number,
  rounds: number,
): Promise<Record<"hooked" | "idle" | "bare", readonly number[]>> {
  const names = Array.from({ length: clients }, (_, index) => `c${index + 1}`);
  await using bed = await openTestbed({ clients: names, server: ["machine-readable-output"] });
  await bed.run("up", "server");
  const denied = join(bed.directory, "denied");
  await mkdir(denied);
  await chmod(bed.directory, 0o711);
  const text = await readFile(join(bed.directory, "server.conf"), "utf8");
  const bare = text.replaceAll(/^client-(?:dis)?connect .*\n/gm, "");
  const line = `client-connect "${hook} ${denied} server refuse retry common_name"\n`;
  await writeClients(bed, names);
  const spans = { hooked: [] as number[], idle: [] as number[], bare: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    spans.bare.push(await oneRound(bed, names, bare));
    spans.idle.push(await oneRound(bed, names, `${bare}client-connect /bin/true\n`));
    spans.hooked.push(await oneRound(bed, names, bare + line));
  }
  return spans;
}

/** One is made by the bed; the others differ by name and network. */
async function writeClients(bed: Testbed, names: readonly string[]): Promise<void> {
  await bed.run("connect", "c1");
  await bed.run("disconnect", "c1");
  const first = await readFile(join(bed.directory, "c1.conf"), "utf8");
  for (const [index, name] of names.entries()) {
    const text = first
      .replaceAll("/pki/c1.", `/pki/${name}.`)
      .replace(/^(remote \S+\.)1\.1 /m, `$1${index + 1}.1 `);
    await writeFile(join(bed.directory, `${name}.conf`), text);
  }
}

async function oneRound(bed: Testbed, names: readonly string[], config: string): Promise<number> {
  await bed.run("server", "term");
  await writeFile(join(bed.directory, "server.conf"), config);
  await truncate(join(bed.directory, "server.log"));
  await bed.run("server", "start");
  const children = names.map((name) => {
    const words = ["netns", "exec", bed.namespaceOf(name), "openvpn", "--config"];
    return spawn("ip", [...words, join(bed.directory, `${name}.conf`)], { stdio: "ignore" });
  });
  try {
    const log = await until(
      `all ${names.length} are in`,
      async () => {
        const said = await bed.log("server");
        return new Set(said.match(/SENT CONTROL \[\w+\]: 'PUSH_REPLY/g)).size === names.length && said;
      },
      LONGEST_MS,
    );
    const timesOf = (what: RegExp) =>
      log
        .split("\n")
        .filter((line) => what.test(line))
        .map((line) => Number(line.split(" ", 1)[0]));
    return 1000 * (Math.max(...timesOf(/'PUSH_REPLY/)) - Math.min(...timesOf(/VERIFY OK/)));
  } finally {
    await Promise.all(children.map(ended));
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

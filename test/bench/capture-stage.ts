/**
 * The built capture on a machine of its own, between a client and the far end of the line, in network
 * namespaces: packets go through that machine as through a server, or end there.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CaptureClient } from "../../src/hosts/capture-client.ts";
import { entering, type Namespace, openNetwork, SERVER, SERVER_OUTSIDE } from "../support/namespaces.ts";
import { makeSluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";
import { type Child, startNode } from "./children.ts";
import { cpuTime } from "./process-cost.ts";
import { programPath } from "./program-path.ts";
import { unitStart } from "./unit-start.ts";

export interface CaptureStage extends AsyncDisposable {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly far: Namespace;
  /** Starts the capture as its unit does, with an empty list. */
  capture(): Promise<BuiltCapture>;
  /** Starts a program that sends frames from the client to the server. @param words behind those on the cards. */
  send(
    program: "hello-replay.ts" | "bulk-packets.ts",
    words: readonly (string | number)[],
  ): ReturnType<typeof startNode>;
  /** Sends flows from the client to the server: see hello-replay.ts. */
  replay(flows: Replayed): ReturnType<typeof startNode>;
}

export interface Replayed {
  /** The first one's number. */
  readonly first: number;
  readonly count: number;
  /** Flows a second. */
  readonly rate: number;
}

export interface BuiltCapture extends AsyncDisposable {
  readonly pid: number;
  /** The pid of its child. */
  readonly tcpdump: number;
  readonly desk: CaptureClient;
  /** What stands in hosts.log, line by line. */
  lines(): Promise<readonly string[]>;
  /** Milliseconds of CPU that it and its child have taken so far. */
  cpu(): Promise<number>;
}

const BUILT = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export async function openCaptureStage(): Promise<CaptureStage> {
  await using parts = new AsyncDisposableStack();
  const network = parts.use(await openNetwork());
  const { client, server, far } = network;
  await server.run("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
  await client.run("ip", ["route", "add", "default", "via", SERVER[4]]);
  await far.run("ip", ["route", "add", "default", "via", SERVER_OUTSIDE[4]]);
  const [through, to] = [await cardOf(client, "server"), await cardOf(server, "client")];
  const send: CaptureStage["send"] = (program, words) => {
    const cards = [String(through.ifindex), to.address.replaceAll(":", "")];
    return startNode([programPath(program), ...cards, ...words.map(String)], entering(client.name));
  };
  const owned = parts.move();
  return {
    client,
    server,
    far,
    capture: () => startCapture(server),
    send,
    replay: ({ first, count, rate }) => send("hello-replay.ts", [first, count, rate]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Card {
  readonly ifindex: number;
  readonly address: string;
}

async function cardOf(namespace: Namespace, device: string): Promise<Card> {
  const [card] = JSON.parse(await namespace.run("ip", ["-j", "link", "show", "dev", device])) as Card[];
  if (!card) throw new Error(`Cannot find ${device} in ${namespace.name}`);
  return card;
}

async function startCapture(server: Namespace): Promise<BuiltCapture> {
  await using parts = new AsyncDisposableStack();
  const sluice = parts.use(await makeSluice({ hosts: { nginx_access: [], nginx_error: [] } }));
  const { flags, environment } = await unitStart("host-capture.service");
  const words = [...flags, BUILT, "capture", "--config", sluice.settingsPath];
  const child = parts.use(startNode(words, entering(server.name), environment));
  const tcpdump = await until(
    "packets are captured",
    () => tapOf(child, server),
    10_000,
    () => child.stderr(),
  );
  const owned = parts.move();
  return {
    pid: child.pid,
    tcpdump,
    desk: new CaptureClient(join(sluice.directory, "run", "capture", "capture.sock")),
    lines: async () => {
      const text = await readFile(join(sluice.directory, "data", "hosts", "hosts.log"), "latin1");
      return text.split("\n").slice(0, -1);
    },
    cpu: async () => (await cpuTime(child.pid)).own + (await cpuTime(tcpdump)).own,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The pid of its tcpdump, once that has its socket at work; see proc_net(5), "packet". */
async function tapOf(child: Child, server: Namespace): Promise<number | undefined> {
  if (child.status() !== null) throw new Error(`The capture ended with ${child.status()}: ${child.stderr()}`);
  const [pid] = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")).split(" ");
  const sockets = (await server.run("cat", ["/proc/net/packet"])).trim().split("\n").slice(1);
  const running = sockets.some((line) => line.trim().split(/\s+/)[5] === "1");
  return pid !== undefined && pid !== "" && running ? Number(pid) : undefined;
}

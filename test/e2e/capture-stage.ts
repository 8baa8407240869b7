/**
 * What the tests of the host capture begin with: a client, a server and a far host in
 * network namespaces of their own, and a capture on the server.
 *
 *   await using stage = await openCaptureStage();
 *   await stage.client.run("curl", [...]);
 *   expect(await stage.log.line("www.example.com")).toMatchObject({ service: "SNI", source: CLIENT });
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Capture,
  type CaptureStart,
  type HostsLog,
  hostsLogOf,
  QUIET_HOSTS,
  startCapture,
} from "../support/capture.ts";
import type { Namespace, Network } from "../support/namespaces.ts";
import { openPublicNetwork } from "../support/public-network.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import type { Destination } from "../support/tunnel.ts";
import { startWeb, type WebServer } from "../support/web.ts";

export interface CaptureStage extends AsyncDisposable, Network {
  /** For what is to be gone with the stage. */
  readonly folder: string;
  readonly sluice: Sluice;
  readonly log: HostsLog;
  /** Starts a capture on the server. It ends with the stage. */
  readonly start: (options?: Omit<CaptureStart, "namespace">) => Promise<Capture>;
  /** Starts an nginx in one of the namespaces. */
  readonly serve: (where: "server" | "far", http: string, ports: readonly number[]) => Promise<WebServer>;
}

export interface CaptureStageOptions {
  /** The settings' part on hosts, above one that leaves the machine's own logs alone; or made for the stage's folder. */
  readonly hosts?: object | ((folder: string) => object);
  /** Other parts of the settings. */
  readonly settings?: object;
}

/** What every one of these tests needs. */
export const CAPTURE_NEEDS = ["root", "ip", "nsenter", "tcpdump"] as const;

export async function openCaptureStage({
  hosts = {},
  settings = {},
}: CaptureStageOptions = {}): Promise<CaptureStage> {
  await using setup = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-capture-"));
  setup.defer(() => folder.remove());
  const network = setup.use(await openPublicNetwork());
  const own = typeof hosts === "function" ? hosts(folder.path) : hosts;
  const sluice = setup.use(await makeSluice({ hosts: { ...QUIET_HOSTS, ...own }, ...settings }));
  const running = setup.move();
  let servers = 0;
  return {
    ...{ client: network.client, server: network.server, far: network.far },
    ...{ folder: folder.path, sluice, log: hostsLogOf(sluice) },
    start: async (options = {}) =>
      running.use(await startCapture(sluice, { ...options, namespace: network.server.name })),
    serve: async (where, http, ports) => {
      servers += 1;
      return running.use(await startWeb(network[where], join(folder.path, `web${servers}`), http, ports));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Opens a TCP connection from one of the namespaces and sends each piece in a segment of its own. */
export async function pitch(
  from: Namespace,
  to: Destination,
  pieces: readonly (string | Uint8Array)[],
): Promise<void> {
  const lines = pieces.map((piece) => `${Buffer.from(piece as string, "latin1").toString("hex")}\n`);
  const program = join(import.meta.dirname, "../support/pitch.ts");
  await from.run(process.execPath, [program, to.address, `${to.port}`], lines.join(""));
}

/** A request for this host, as a browser sends it. */
export function requestFor(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

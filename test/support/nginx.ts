/**
 * A real nginx in front of an engine's inbound, as installers put it there: to
 * the engine every user then comes from one address.
 *
 * It is told the way of the guides that operators follow: WebSocket by the
 * Upgrade header, gRPC by HTTP/2 (here without TLS), all else as plain HTTP, and
 * the client's address in the headers that engines look at.
 */
import { spawn } from "node:child_process";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transport } from "./engine-config.ts";
import { freePort } from "./free-port.ts";
import { startWeb } from "./web.ts";

export type ProxiedTransport = Exclude<Transport, "raw">;

export interface Nginx extends AsyncDisposable {
  /** Where clients connect, on the loopback. */
  readonly port: number;
  readonly pid: number;
}

/**
 * @param port where the engine's inbound listens, on the loopback.
 * @throws {Error} with what nginx said when it does not listen within ten seconds.
 */
export async function startNginx(transport: ProxiedTransport, port: number): Promise<Nginx> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-nginx-"));
  parts.defer(() => folder.remove());
  const listen = await freePort();
  const http = serverText(transport, listen, port);
  const { pid } = parts.use(await startWeb({ spawn }, join(folder.path, "web"), http, [listen]));
  const owned = parts.move();
  return { port: listen, pid, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function serverText(transport: ProxiedTransport, listen: number, port: number): string {
  return `  server {
    listen 127.0.0.1:${listen}${transport === "grpc" ? " http2" : ""};
    client_max_body_size 0;
    location / {
${PASSING[transport](port)
  .map((line) => `      ${line};`)
  .join("\n")}
    }
  }`;
}

const PASSING: Record<ProxiedTransport, (port: number) => readonly string[]> = {
  ws: (port) => [
    `proxy_pass http://127.0.0.1:${port}`,
    "proxy_http_version 1.1",
    "proxy_set_header Upgrade $http_upgrade",
    'proxy_set_header Connection "upgrade"',
    "proxy_set_header Host $host",
    ...addressHeaders("proxy"),
    "proxy_read_timeout 300s",
  ],
  grpc: (port) => [
    `grpc_pass grpc://127.0.0.1:${port}`,
    ...addressHeaders("grpc"),
    "client_body_timeout 300s",
    "grpc_read_timeout 300s",
    "grpc_send_timeout 300s",
  ],
  xhttp: (port) => [
    `proxy_pass http://127.0.0.1:${port}`,
    "proxy_http_version 1.1",
    'proxy_set_header Connection ""',
    "proxy_set_header Host $host",
    ...addressHeaders("proxy"),
    "proxy_buffering off",
    "proxy_request_buffering off",
    "proxy_read_timeout 300s",
  ],
};

function addressHeaders(module: "proxy" | "grpc"): string[] {
  return [
    `${module}_set_header X-Real-IP $remote_addr`,
    `${module}_set_header X-Forwarded-For $proxy_add_x_forwarded_for`,
  ];
}

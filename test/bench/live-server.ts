/** The web's live part as a process of its own for the benches: a hub before a daemon's socket, and a page for whoever comes. */
import { once } from "node:events";
import { WebSocketServer } from "ws";
import { systemClock } from "../../src/clock.ts";
import { ControlClient } from "../../src/control/client.ts";
import { LiveHub } from "../../src/faces/web/live/hub.ts";
import { CaptureClient } from "../../src/hosts/capture-client.ts";

const [, , socket = ""] = process.argv;
const hub = new LiveHub({
  desk: new ControlClient(socket),
  capture: new CaptureClient("/nonexistent"),
  clock: systemClock,
  stillMay: () => true,
});
const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  maxPayload: 4_096,
  perMessageDeflate: false,
});
let pages = 0;
server.on("connection", (page) => {
  pages += 1;
  hub.attach(page, { name: "bench", role: "viewer", scopes: undefined, key: `login:${pages}` });
});
await once(server, "listening");
process.stdout.write(`${(server.address() as { port: number }).port}\n`);
process.once("SIGTERM", () => process.exit());

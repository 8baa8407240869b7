import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { boundUdpPorts, listeningPorts, udpPortsIn } from "../../src/kernel/bound-ports.ts";
import { listeners } from "../../src/kernel/listeners.ts";
import { executableOf } from "../../src/kernel/processes.ts";
import { freePort } from "../support/free-port.ts";
import { endChild } from "../support/namespaces.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const missing = needs("root", "python3");
/** As Linux 6.18 prints it. */
const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  411: 00000000:04AA 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 10811 2 0000000000000000 0
 1022: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 10812 2 0000000000000000 0
`;

describe("bound ports", () => {
  test("udpPortsIn() reads the local end of each line", () => {
    expect(udpPortsIn(TABLE)).toEqual([1194, 53]);
    expect(udpPortsIn("")).toEqual([]);
  });

  test("boundUdpPorts() has a socket's port while it is bound", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    expect(boundUdpPorts().has(port)).toBe(true);
    socket.close();
    await once(socket, "close");
    expect(boundUdpPorts().has(port)).toBe(false);
  });

  test.skipIf(missing)(
    `listeningPorts() has what a program of this name listens on for others, and not its children's${missing}`,
    async () => {
      const [own, inner, childs] = [await freePort(), await freePort(), await freePort()];
      const script = `
import os, socket, time
listen = lambda address, port: socket.create_server((address, port))
if os.fork() == 0:
    kept = listen("0.0.0.0", ${childs})
else:
    kept = [listen("0.0.0.0", ${own}), listen("127.0.0.1", ${inner})]
time.sleep(60)`;
      const child = spawn("python3", ["-c", script], { stdio: "ignore", detached: true });
      try {
        const open = () => new Set(listeners().map(({ port }) => port));
        await until("all listen", () => open().isSupersetOf(new Set([own, inner, childs])));
        const names = ["python3", basename(executableOf(child.pid ?? 0) ?? "")];
        const found = listeningPorts(new Set(names));
        expect(found).toContain(own);
        expect(found).not.toContain(inner);
        expect(found).not.toContain(childs);
        expect(listeningPorts(new Set(["slu-other"]))).toEqual([]);
      } finally {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
        await endChild(child);
      }
    },
  );
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSockets } from "../../../src/kernel/open-sockets.ts";
import type { SocketTable } from "../../../src/kernel/sockets.ts";
import { findDropbear, isDropbear } from "../../../src/sources/ssh/dropbear-processes.ts";
import { freePort } from "../../support/free-port.ts";
import { commandPath, needs } from "../../support/requirements.ts";
import { type Account, addAccount, removeAccount } from "../../support/ssh-accounts.ts";
import { until } from "../../support/until.ts";
import { startDropbear, startTarget } from "./dropbear.ts";

const missing = needs("root", "dropbear", "dropbearkey", "ssh", "sshpass", "useradd", "chpasswd");

describe.skipIf(missing)(`findDropbear()${missing}`, { timeout: 60_000 }, () => {
  let joe: Account;
  let sockets: SocketTable & Disposable;
  beforeAll(async () => {
    joe = await addAccount({ shell: "/bin/sh" });
    sockets = openSockets();
  });
  afterAll(async () => {
    sockets?.[Symbol.dispose]();
    if (joe) await removeAccount(joe);
  });

  test("tells a listener with its ports, and a connection that has not logged in", async () => {
    await using dropbear = await startDropbear();
    expect(findDropbear(sockets).listeners.get(dropbear.pid)).toEqual(new Set([dropbear.port]));
    const { pid } = await dropbear.knock();
    const { listeners, connections, inetd } = findDropbear(sockets);
    expect([...listeners.keys()]).not.toContain(pid);
    expect(connections).toContain(pid);
    expect(connections).not.toContain(dropbear.pid);
    expect(inetd).not.toContain(pid);
    expect([isDropbear(pid), isDropbear(dropbear.pid), isDropbear(process.pid)]).toEqual([true, true, false]);
  });

  test("takes a connection with a remote forward for no listener, also when its own was restarted", async () => {
    await using dropbear = await startDropbear();
    await using target = await startTarget();
    const { pid, forwarded } = await dropbear.login(joe, target.port, "remote");
    const far = connect(forwarded, "127.0.0.1");
    await until("the tunnel reaches its target", () => target.accepted.length > 0);
    for (const restarted of [false, true]) {
      if (restarted) await dropbear.restart();
      const { listeners, connections } = findDropbear(sockets);
      expect(listeners.get(dropbear.pid)).toEqual(new Set([dropbear.port]));
      expect([...listeners.keys()]).not.toContain(pid);
      expect(connections).toContain(pid);
    }
    far.destroy();
  });

  test("knows who was started for a single client by another program's listener", async () => {
    await using dropbear = await startDropbear();
    const server = createServer({ pauseOnConnect: true });
    const port = await freePort();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const client = connect(port, "127.0.0.1");
    const [accepted] = await once(server, "connection");
    const key = join(dropbear.folder, "key");
    const child = spawn(commandPath("dropbear") ?? "", ["-i", "-r", key], {
      stdio: [accepted, accepted, "ignore"],
    });
    const gone = once(child, "exit");
    const found = await until("it is seen", () => {
      const seen = findDropbear(sockets);
      return seen.inetd.includes(child.pid ?? 0) ? seen : undefined;
    });
    expect(found.connections).not.toContain(child.pid);
    client.destroy();
    accepted.destroy();
    child.kill("SIGKILL");
    server.close();
    await gone;
  });
});

/** The shared management socket: beside a real server's own, and with a scripted one for what that cannot be made to do. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { ManagementLink } from "../../../src/sources/openvpn/management-link.ts";
import {
  type PassThrough,
  type PassThroughOptions,
  servePassThrough,
} from "../../../src/sources/openvpn/pass-through.ts";
import { bytes } from "../../../src/units.ts";
import { openFakeManagement } from "../../support/openvpn/fake-management.ts";
import { openTestbed, type Testbed } from "../../support/openvpn/testbed.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

const GREETING = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n";

interface Shared extends AsyncDisposable {
  readonly path: string;
  readonly pass: PassThrough;
  readonly link: ManagementLink;
}

/** The link to the interface at `address` and the socket that shares it. */
async function share(address: string, options: Partial<PassThroughOptions> = {}): Promise<Shared> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "sluice-pass-")));
  const path = join(folder.path, "openvpn-server.sock");
  let pass: PassThrough | undefined;
  const link = parts.use(
    new ManagementLink({
      ...{ address, passwordFile: null, releaseHold: false, clock: systemClock },
      listener: { onLine: (line) => pass?.hear(line) },
    }),
  );
  pass = parts.use(await servePassThrough({ path, mode: "read", answersLogins: false, link, ...options }));
  const owned = parts.move();
  return { path, pass, link, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function isUp({ link }: Shared): Promise<void> {
  await until(
    "the link is up",
    () => link.connected,
    10_000,
    () => link.trouble,
  );
}

/** A client that says what it is told to and keeps what it hears. */
class Talker implements Disposable {
  readonly socket: Socket;
  heard = "";
  closed = false;

  constructor(path: string) {
    this.socket = connect({ path, allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => (this.heard += chunk.toString()));
    this.socket.on("error", () => undefined).on("close", () => (this.closed = true));
    this.socket.on("end", () => this.socket.end());
  }

  /** What comes behind `text`, once `end` is there. */
  async ask(text: string, end: RegExp): Promise<string> {
    const start = this.heard.length;
    this.socket.write(text);
    await until(
      `${JSON.stringify(text)} is answered`,
      () => end.test(this.heard.slice(start)),
      5_000,
      () => this.heard,
    );
    return this.heard.slice(start);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** All that is said to somebody who says all he has to say and waits. */
async function saidTo(path: string, text: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  let heard = "";
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
  socket.end(text);
  await once(socket, "end");
  return heard;
}

const missing = needs("root", "openvpn", "socat");
describe.skipIf(missing)(`beside a real server${missing}`, () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await openTestbed({ keepalive: "60 240" }); // no pings: figures stand still while they are compared
    await bed.run("up");
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  const COMMANDS = [
    ...["status", "status 1", "status 2", "status 3", "status x", "load-stats", "version", "help", "pid"],
    ...[
      "state",
      "state all",
      "state x",
      "state on",
      "state on 1",
      "state off",
      "log",
      "echo on x",
      "echo off 2",
    ],
    ...[
      "echo all",
      "log x",
      "state +2",
      "bytecount",
      "bytecount 5",
      "bytecount 0",
      "hold",
      "verb",
      "mute",
      "auth-retry",
      "net",
    ],
    ...["version 5", "", "status 9", "frobnicate", "Status", " pid  1 ", "#pid"],
  ];

  test("answers every command that reads as the server's own socket does, byte for byte", async () => {
    const text = [...COMMANDS, "pid"].map((command) => `${command}\n`).join("");
    /** Up to the third process ID. */
    const answersAt = async (path: string) => {
      using client = new Talker(path);
      return await client.ask(text, /(?:SUCCESS: pid=\d+\r\n(?:[^S]|S(?!UCCESS: pid=))*){3}$/);
    };
    const sides = async () => {
      const own = await answersAt(bed.management);
      await using shared = await share(bed.management);
      await isUp(shared);
      return { own: timeless(own), ours: timeless(await answersAt(shared.path)) };
    };
    // The clock turns to another second in between, or a client's kernel speaks up.
    const { own, ours } = await until(
      "nothing changed meanwhile",
      async () => {
        const both = await sides();
        return both.own === both.ours && both;
      },
      10_000,
      sides,
    );
    expect(ours).toBe(own);
    expect(own.match(/^END\r$/gm)?.length).toBe(
      COMMANDS.filter((each) =>
        /^(status( [123x])?|version|help|state( all| on 1| \+2)?|echo (all|off 2))$/.test(each),
      ).length,
    );
  });

  test("serves several at once, through pipes as well, while Sluice looks too", async () => {
    await using shared = await share(bed.management);
    await isUp(shared);
    const looks = Array.from({ length: 20 }, () => shared.link.command("status 3"));
    const piped = await Promise.all(
      ["status 3", "load-stats", "status 1"].map(async (command) => {
        const child = execFile("sh", ["-c", `echo "${command}" | socat -t 10 - UNIX-CONNECT:${shared.path}`]);
        let said = "";
        child.stdout?.on("data", (part: string) => (said += part));
        await once(child, "close");
        return said;
      }),
    );
    for (const rows of await Promise.all(looks)) {
      expect(rows.filter((row) => row.startsWith("CLIENT_LIST\t"))).toHaveLength(2);
    }
    expect(piped[0]).toMatch(/^>INFO:.*\r\nTITLE\t(.*\r\n)*CLIENT_LIST\t(alice|bob)\t(.*\r\n)*END\r\n$/);
    expect(piped[1]).toMatch(/^>INFO:.*\r\nSUCCESS: nclients=2,bytesin=\d+,bytesout=\d+\r\n$/);
    expect(piped[2]).toMatch(/^>INFO:.*\r\nOpenVPN CLIENT LIST\r\n(.*\r\n)*END\r\n$/);
  });

  test("ends nobody's login in read mode, and does in control mode", async () => {
    await using reading = await share(bed.management);
    await isUp(reading);
    expect(await saidTo(reading.path, "kill alice\nclient-kill 0\nsignal SIGTERM\nhold release\n")).toBe(
      GREETING +
        ["kill", "client-kill", "signal", "hold"]
          .map(
            (command) =>
              `ERROR: '${command}' is refused: this socket is read-only (Sluice holds the management interface; openvpn.pass_through)\r\n`,
          )
          .join(""),
    );
    expect((await reading.link.command("load-stats"))[0]).toContain("nclients=2");
    await reading[Symbol.asyncDispose]();
    await using controlling = await share(bed.management, { mode: "control" });
    await isUp(controlling);
    using client = new Talker(controlling.path);
    await client.ask("state on\n", /state notification set to ON\r\n/);
    expect(await client.ask("kill nobody\n", /\r\n/)).toBe("ERROR: common name 'nobody' not found\r\n");
    expect(await client.ask("kill alice\n", /killed\r\n/)).toContain(
      "SUCCESS: common name 'alice' found, 1 client(s) killed\r\n",
    );
    expect((await controlling.link.command("load-stats"))[0]).toContain("nclients=1");
  });
});

/** What the second, or the moment, of the question changes. */
function timeless(text: string): string {
  return text
    .replace(/^(TIME[\t,]).*$|^(Updated,).*$/gm, "$1$2now")
    .replace(/^(SUCCESS: nclients=).*$/gm, "$1...");
}

describe("servePassThrough()", () => {
  test("makes a socket for its owner and the group alone", async () => {
    await using server = await openFakeManagement();
    await using shared = await share(server.address, { group: process.getgid?.() });
    const { mode, gid } = await stat(shared.path);
    expect([(mode & 0o777).toString(8), gid]).toEqual(["660", process.getgid?.()]);
  });

  test("answers in one sentence while the server does not, and by itself again once it does", async () => {
    await using server = await openFakeManagement();
    await using shared = await share(join(server.address, "..", "none.sock"));
    using client = new Talker(shared.path);
    expect(await client.ask("status 3\n", /ERROR.*\r\n/)).toMatch(
      /^(>INFO:.*\r\n)?ERROR: the server does not answer: .+\r\n$/,
    );
    expect(client.closed).toBe(false);
  });

  test("tells each client only what he turned on, and nobody a password", async () => {
    await using server = await openFakeManagement();
    await using shared = await share(server.address, { mode: "control" });
    await isUp(shared);
    using one = new Talker(shared.path);
    using other = new Talker(shared.path);
    await one.ask("state on\nlog on\n", /log notification set to ON\r\n/);
    await other.ask("pid\n", /pid=4711\r\n/);
    const [before, otherBefore] = [one.heard.length, other.heard.length];
    server.say(
      ">CLIENT:CONNECT,1,0\r\n>CLIENT:ENV,username=joe\r\n>CLIENT:ENV,password=secret\r\n>CLIENT:ENV,END\r\n",
    );
    server.say(">LOG:1,I,text\r\n>BYTECOUNT_CLI:1,2,3\r\n>STATE:1,EXITING,,,,,,\r\n>FATAL:the end\r\n");
    const told = (client: Talker) => until("all is told", () => client.heard.endsWith(">FATAL:the end\r\n"));
    await Promise.all([told(one), told(other)]);
    const block = ">CLIENT:CONNECT,1,0\r\n>CLIENT:ENV,username=joe\r\n>CLIENT:ENV,END\r\n";
    expect(other.heard.slice(otherBefore)).toBe(`${block}>FATAL:the end\r\n`);
    expect(one.heard.slice(before)).toBe(
      `${block}>LOG:1,I,text\r\n>STATE:1,EXITING,,,,,,\r\n>FATAL:the end\r\n`,
    );
  });

  test("tells bytes from Sluice's own looks, of those that moved, as often as each client asked", async () => {
    await using server = await openFakeManagement();
    await using shared = await share(server.address);
    using client = new Talker(shared.path);
    const look = (uplink: number, now: number) =>
      shared.pass.looked(
        [
          { clientId: 7, traffic: { uplink: bytes(uplink), downlink: bytes(2 ** 53 - 1) } },
          { clientId: 8, traffic: { uplink: bytes(1), downlink: bytes(2) } },
          { clientId: undefined, traffic: { uplink: bytes(uplink), downlink: bytes(0) } },
        ],
        now,
      );
    look(10, 0);
    await client.ask("bytecount 2\n", /SUCCESS: bytecount interval changed\r\n/);
    const start = client.heard.length;
    look(20, 10_000);
    look(30, 11_999); // too early
    look(40, 12_000);
    await client.ask("bytecount 0\n", /SUCCESS/);
    look(50, 99_000);
    await client.ask("state off\n", /SUCCESS: real/);
    expect(client.heard.slice(start).split("\r\n")).toEqual([
      ">BYTECOUNT_CLI:7,20,9007199254740991",
      ">BYTECOUNT_CLI:8,1,2",
      ">BYTECOUNT_CLI:7,40,9007199254740991",
      "SUCCESS: bytecount interval changed",
      "SUCCESS: real-time state notification set to OFF",
      "",
    ]);
    expect(server.heard.filter((line) => line.startsWith("bytecount"))).toEqual([]);
  });

  test("passes one command of all clients on at a time, so that Sluice's own wait behind one alone", async () => {
    let most = 0;
    let waiting = 0;
    const link = {
      connected: true,
      trouble: undefined,
      command: async () => {
        most = Math.max(most, ++waiting);
        await new Promise((resolve) => setImmediate(resolve));
        waiting -= 1;
        return ["SUCCESS: pid=1"];
      },
    };
    await using server = await openFakeManagement();
    await using shared = await share(server.address, { link });
    const all = await Promise.all(Array.from({ length: 8 }, () => saidTo(shared.path, "pid\n".repeat(20))));
    expect(all).toEqual(Array.from({ length: 8 }, () => GREETING + "SUCCESS: pid=1\r\n".repeat(20)));
    expect(most).toBe(1);
  });

  test("takes eight at a time, says so to the ninth, and the next when one has left", async () => {
    await using server = await openFakeManagement();
    await using shared = await share(server.address);
    const clients = Array.from({ length: 8 }, () => new Talker(shared.path));
    await Promise.all(clients.map((client) => client.ask("bytecount 0\n", /SUCCESS/)));
    expect(await saidTo(shared.path, "pid\n")).toBe("ERROR: 8 programs are connected already\r\n");
    clients[3]?.socket.write("quit\n");
    await until("he has left", () => clients[3]?.closed);
    expect(
      await until("there is room", async () => {
        const said = await saidTo(shared.path, "bytecount 1\n");
        return said.startsWith(GREETING) && said;
      }),
    ).toBe(`${GREETING}SUCCESS: bytecount interval changed\r\n`);
    for (const client of clients) client[Symbol.dispose]();
  });

  test.for([
    { name: "a line without an end", input: "x".repeat(2000) },
    { name: "a line that is too long", input: `${"x".repeat(1025)}\nbytecount 1\n` },
  ])("ends with $name", async ({ input }) => {
    await using server = await openFakeManagement();
    await using shared = await share(server.address);
    using client = new Talker(shared.path);
    await client.ask(input, /ERROR/);
    await until("it is closed", () => client.closed);
    expect(client.heard).toBe(`${GREETING}ERROR: expected a line of at most 1024 characters\r\n`);
  });

  test("refuses what the server could not take as one command, and goes on", async () => {
    await using server = await openFakeManagement();
    await using shared = await share(server.address, { mode: "control" });
    await isUp(shared);
    using client = new Talker(shared.path);
    await client.ask(`kill ${"x".repeat(300)}\nkill "a\nkill a\u0007b\npid\n`, /pid=4711/);
    expect(client.heard.split("\r\n").map((line) => line.slice(0, 25))).toEqual([
      GREETING.slice(0, 25),
      ...Array.from({ length: 3 }, () => 'ERROR: Cannot send "kill '),
      "SUCCESS: pid=4711",
      "",
    ]);
    expect(server.heard.filter((line) => line.startsWith("kill"))).toEqual([]);
  });

  test("drops one who does not read what he asked for, and serves the others", async () => {
    const line = "x".repeat(60_000);
    const link = {
      connected: true,
      trouble: undefined,
      command: async () => Array.from({ length: 100 }, () => line),
    };
    await using server = await openFakeManagement();
    await using shared = await share(server.address, { link });
    const slow = connect(shared.path);
    slow.on("error", () => undefined).pause();
    slow.write("status 3\n".repeat(10));
    for (const _ of [1, 2, 3])
      expect((await saidTo(shared.path, "status 3\n")).length).toBeGreaterThan(6_000_000);
    for (let told = 0; told < 400; told++) shared.pass.hear(`>FATAL:${line}`);
    slow.resume();
    await once(slow, "close");
    expect(slow.bytesRead).toBeLessThan(30_000_000);
  });
});

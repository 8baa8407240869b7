import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { UnreachableError } from "../../../src/errors.ts";
import { RefusedCommandError } from "../../../src/sources/openvpn/management.ts";
import { ManagementLink, type ManagementLinkOptions } from "../../../src/sources/openvpn/management-link.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { openFakeManagement } from "../../support/openvpn/fake-management.ts";
import { until } from "../../support/until.ts";

const STATUS = "TITLE\tx\r\nTIME\tx\t1\r\nEND\r\n";

function linkTo(address: string, others: Partial<ManagementLinkOptions> = {}): ManagementLink {
  return new ManagementLink({
    address,
    passwordFile: null,
    releaseHold: false,
    clock: systemClock,
    ...others,
  });
}

function isUp(link: ManagementLink): Promise<boolean> {
  return until(
    "the link is up",
    () => link.connected,
    10_000,
    () => link.trouble,
  );
}

/** Its trouble, as soon as that says `words`. */
async function troubleOf(link: ManagementLink, words: string): Promise<string> {
  await until(
    words,
    () => link.trouble?.includes(words),
    10_000,
    () => link.trouble,
  );
  return link.trouble ?? "";
}

describe("ManagementLink", () => {
  test("tells answers apart, whatever comes in between", async () => {
    const events: string[] = [];
    await using server = await openFakeManagement({
      answer: (command) =>
        ({
          "status 3": `>BYTECOUNT_CLI:0,1,2\r\n${STATUS}>STATE:1,x\r\n`,
          // Names that look like something else.
          "status 1": "OpenVPN CLIENT LIST\r\n>CLIENT:ESTABLISHED,0,1,2,x\r\nERROR: x,1,2,x\r\nEND\r\n",
          "status 4": "ERROR: bad status format version number\r\n",
          "log on all": "SUCCESS: real-time log notification set to ON\r\n1,I,one\r\nEND\r\n",
        })[command],
    });
    await using link = linkTo(server.address, {
      listener: {
        onConnected: ({ pid, version }) => events.push(`up ${pid} ${version}`),
        onState: (text) => events.push(`state ${text}`),
        onClient: ({ event, clientId }) => events.push(`${event} ${clientId}`),
        onLine: (line) => events.push(line),
      },
    });
    await isUp(link);
    const refused = link.command("status 4");
    const [status, first, log, pid] = await Promise.all([
      link.command("status 3"),
      link.command("status 1"),
      link.command("log on all"),
      link.command("pid"),
      expect(refused).rejects.toThrow(new RefusedCommandError("bad status format version number")),
    ]);
    expect(status).toEqual(["TITLE\tx", "TIME\tx\t1"]);
    expect(first).toEqual(["OpenVPN CLIENT LIST", ">CLIENT:ESTABLISHED,0,1,2,x", "ERROR: x,1,2,x"]);
    expect(log).toEqual(["SUCCESS: real-time log notification set to ON", "1,I,one"]);
    expect(pid).toEqual(["SUCCESS: pid=4711"]);
    server.say(">CLIENT:ESTABLISHED,7\r\n>CLIENT:ENV,a=b\r\n>CLIENT:ENV,END\r\n");
    await until("the block is told", () => events.includes("ESTABLISHED 7"));
    expect(events).toEqual([
      expect.stringMatching(/^>INFO:/),
      "up 4711 2.6.14",
      ">BYTECOUNT_CLI:0,1,2",
      "state 1,x",
      ">STATE:1,x",
      ">CLIENT:ESTABLISHED,7",
      ">CLIENT:ENV,a=b",
      "ESTABLISHED 7",
      ">CLIENT:ENV,END",
    ]);
  });

  test("refuses a word of 256 bytes by itself, and goes on", async () => {
    await using server = await openFakeManagement();
    await using link = linkTo(server.address);
    await isUp(link);
    await expect(link.command(`kill ${"x".repeat(256)}`)).rejects.toThrow(
      /^Cannot send "kill x+" to the server: the server takes words of at most 255 bytes, got one of 256$/,
    );
    await expect(link.command("pid")).resolves.toEqual(["SUCCESS: pid=4711"]);
    expect(server.heard).toEqual(["state on", "pid", "version", "pid"]);
  });

  test.for([
    { answer: "TITLE\tx\r\nTIME\tx\t1\r\n", why: 'it did not end its answer to "status 3" within 10 s' },
    { answer: "", why: 'it did not answer to "status 3" within 10 s' },
    { answer: "x".repeat(70_000), why: "it has more than 65536 bytes" },
    { answer: `${STATUS}SUCCESS: what\r\n`, why: 'it answered "SUCCESS: what" to no command' },
  ])("$why: fails what waits and comes back", async ({ answer, why }) => {
    let broken = true;
    const lost: string[] = [];
    const clock = new ManualClock();
    await using server = await openFakeManagement({
      answer: (command) => (command === "status 3" ? (broken ? answer : STATUS) : undefined),
    });
    await using link = linkTo(server.address, { clock, listener: { onLost: (reason) => lost.push(reason) } });
    await isUp(link);
    const outcome = link.command("status 3").then(
      () => link.command("pid"),
      (error: unknown) => Promise.reject(error),
    );
    const failed = expect(outcome).rejects.toThrow(UnreachableError);
    await until("the command is heard", () => server.heard.includes("status 3"));
    await until("it is lost", async () => {
      await clock.advance(1_000);
      return lost.length > 0;
    });
    await failed;
    expect(lost[0]).toBe(
      `Cannot use the management interface at ${server.address}: ${why}`.replace(
        ": it has",
        ": Cannot read a line of the management interface: it has",
      ),
    );
    broken = false;
    await clock.advance(1_000);
    await isUp(link);
    await expect(link.command("status 3")).resolves.toHaveLength(2);
    expect(server.open).toBe(1);
  });

  test("says that another program holds the socket, and takes its turn when that leaves", async () => {
    const clock = new ManualClock();
    await using server = await openFakeManagement({ greeting: "" });
    await using link = linkTo(server.address, { clock });
    await until("it waits", () => server.open === 1);
    await until("it is said", async () => {
      await clock.advance(1_000);
      return link.trouble?.endsWith(
        "no greeting came within 5 s: another program holds the management socket",
      );
    });
    expect(link.connected).toBe(false);
    await expect(link.command("pid")).rejects.toThrow(UnreachableError);
    await clock.advance(60_000);
    server.say(">INFO:OpenVPN Management Interface Version 5\r\n");
    await isUp(link);
    expect(server.connections).toBe(1);
    expect(link.trouble).toBeUndefined();
  });

  test("says that a server waits in hold, and releases it only if that is its part", async () => {
    await using server = await openFakeManagement({
      greeting: ">INFO:OpenVPN Management Interface Version 5\r\n>HOLD:Waiting for hold release:0\r\n",
    });
    await using link = linkTo(server.address);
    await isUp(link);
    expect(link.trouble).toMatch(/^The server waits in hold .*"release_hold": true/);
    server.say(">STATE:1,CONNECTED,SUCCESS\r\n");
    await until("somebody else released it", () => link.trouble === undefined);
    expect(server.heard).not.toContain("hold release");
    await link[Symbol.asyncDispose]();
    await using releasing = linkTo(server.address, { releaseHold: true });
    await until("it is released", () => server.heard.includes("hold release"));
    server.say(">HOLD:Waiting for hold release:5\r\n");
    await until(
      "it is released again",
      () => server.heard.filter((line) => line === "hold release").length === 2,
    );
    expect(releasing.connected).toBe(true);
  });

  test("keeps the order of answers when a command is given up", async () => {
    await using server = await openFakeManagement({
      answer: (command) => (command === "slow" ? "" : undefined),
    });
    await using link = linkTo(server.address);
    await isUp(link);
    const giving = new AbortController();
    const slow = link.command("slow", giving.signal);
    const pid = link.command("pid");
    giving.abort(new Error("given up"));
    await expect(slow).rejects.toThrow("given up");
    await until("both are heard", () => server.heard.at(-1) === "pid");
    server.say("SUCCESS: slow\r\n"); // the pid's answer came first, and was the given-up command's
    await expect(pid).resolves.toEqual(["SUCCESS: slow"]);
  });

  test("fails what waits and what is asked when it is disposed of", async () => {
    await using server = await openFakeManagement({
      answer: (command) => (command === "slow" ? "" : undefined),
    });
    const link = linkTo(server.address);
    await isUp(link);
    const waiting = expect(link.command("slow")).rejects.toThrow(UnreachableError);
    await link[Symbol.asyncDispose]();
    await waiting;
    await expect(link.command("pid")).rejects.toThrow("has left");
    await until("the line is down", () => server.open === 0);
    expect(server.connections).toBe(1);
  });

  test("comes back from no socket, a dead one, and something else behind it", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-link-"));
    const address = join(folder.path, "mgmt.sock");
    await using link = linkTo(address);
    await troubleOf(link, "there is no such socket");
    await writeFile(address, "");
    await troubleOf(link, "nobody listens there; the server is not running");
    await folder.remove();
    await using other = await openFakeManagement({ greeting: "220 smtp.example.org\r\n" });
    await using lost = linkTo(other.address);
    await troubleOf(lost, 'it is no management interface: it said "220 smtp.example.org"');
  });

  test("says where it is refused before the greeting, and over TCP too", async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await using link = linkTo(`127.0.0.1:${port}`);
    await troubleOf(link, "management-client-user or management-client-group lets others in");
    await new Promise((resolve) => server.close(resolve));
    await troubleOf(link, "nobody listens there");
  });

  test.for([
    { file: null, why: 'it asks for a password: set "password_file"' },
    { file: "", why: "Cannot use the password for the management interface: expected it on the first line" },
    { file: "wrong\n", why: "it refuses the password in " },
  ])("a password in $file: $why", async ({ file, why }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-link-"));
    const passwordFile = file === null ? null : join(folder.path, "password");
    if (passwordFile !== null) await writeFile(passwordFile, file ?? "");
    await using server = await openFakeManagement({
      greeting: "ENTER PASSWORD:",
      answer: (line) =>
        line === "s3cret"
          ? "SUCCESS: password is correct\r\n>INFO:OpenVPN Management Interface Version 5\r\n"
          : line === "wrong"
            ? "ENTER PASSWORD:"
            : undefined,
    });
    await using link = linkTo(server.address, { passwordFile });
    await troubleOf(link, why);
    if (passwordFile === null) return;
    await writeFile(passwordFile, "s3cret\n");
    await isUp(link);
  });
});

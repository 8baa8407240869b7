import { chmodSync, statSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { FlowDesk } from "../../src/daemon/flow-desk.ts";
import { connectJsonLines, JsonLines, type Message } from "../../src/json-lines.ts";
import type { Endpoint } from "../../src/kernel/sockets.ts";
import { userName } from "../../src/names.ts";
import { startCommand } from "../kernel/loopback.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const JOE = { account: userName("joe"), service: "ssh" } as const;
const missing = needs("root");

async function desk() {
  await using setup = new AsyncDisposableStack();
  const folder = setup.use(await mkdtempDisposable(join(tmpdir(), "sluice-desk-")));
  const path = join(folder.path, "flows.sock");
  const asked: [string, Endpoint, Endpoint][] = [];
  const opened = setup.use(
    new FlowDesk({
      path,
      ownerOf: (transport, source, target) => {
        asked.push([transport, source, target]);
        return source.port === 2 ? JOE : undefined;
      },
    }),
  );
  await opened.start();
  const made = setup.move();
  return { path, asked, desk: opened, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

async function clientOf(path: string) {
  const answers: Message[] = [];
  let closed = false;
  const conversation = new JsonLines(
    await connectJsonLines(path),
    (message) => answers.push(message),
    () => {
      closed = true;
    },
  );
  return {
    ...{ conversation, answers },
    lines: () => answers.flatMap(({ lines }) => lines as string[]),
    ended: () => until("it ends", () => closed),
    answer: () => until("it answers", () => answers.shift()),
    [Symbol.dispose]: () => conversation[Symbol.dispose](),
  };
}

describe("FlowDesk", () => {
  test("answers whose flows are, and leaves nobody's out", async () => {
    await using at = await desk();
    using client = await clientOf(at.path);
    client.conversation.send({
      whose: [
        [7, "tcp", "127.0.0.1", 2, "8.8.8.8", 443],
        [8, "udp", "::1", 3, "2a00::1", 53],
        [9, "udp", "::1", 2, "2a00::1", 53],
      ],
    });
    expect(await client.answer()).toEqual({
      are: [
        [7, "joe", "ssh"],
        [9, "joe", "ssh"],
      ],
      upTo: 9,
    });
    expect(at.asked[1]).toEqual(["udp", { address: "::1", port: 3 }, { address: "2a00::1", port: 53 }]);
    client.conversation.send({ whose: [] });
    expect(await client.answer()).toEqual({ are: [], upTo: 0 });
  });

  test.for([
    {},
    { follow: "everything" },
    { whose: "joe" },
    { whose: [7] },
    { whose: [[7, "tcp", "127.0.0.1", 2, "8.8.8.8"]] },
    { whose: [[7, "icmp", "127.0.0.1", 2, "8.8.8.8", 443]] },
    { whose: [[-1, "tcp", "127.0.0.1", 2, "8.8.8.8", 443]] },
    { whose: [[7.5, "tcp", "127.0.0.1", 2, "8.8.8.8", 443]] },
    { whose: [[7, "tcp", "localhost", 2, "8.8.8.8", 443]] },
    { whose: [[7, "tcp", "127.0.0.1", 65_536, "8.8.8.8", 443]] },
    { whose: [[7, "tcp", "127.0.0.1", 2, ["8.8.8.8"], 443]] },
    { whose: [[7, "tcp", "127.0.0.1", 2, "8.8.8.8", "443"]] },
    { whose: Array(10_001).fill([7, "tcp", "127.0.0.1", 2, "8.8.8.8", 443]) },
  ])("refuses %j and ends", async (message) => {
    await using at = await desk();
    using client = await clientOf(at.path);
    client.conversation.send(message);
    expect(await client.answer()).toEqual({ error: expect.stringMatching(/^expected /) });
    await client.ended();
    expect(at.asked).toEqual([]);
  });

  test("hands lines on to who follows, in order, and to nobody else", async () => {
    await using at = await desk();
    using follower = await clientOf(at.path);
    using other = await clientOf(at.path);
    follower.conversation.send({ follow: "access" });
    other.conversation.send({ whose: [] });
    await other.answer();
    await until("it follows", () => {
      at.desk.push("first");
      return follower.lines().includes("first");
    });
    follower.answers.length = 0;
    const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}`);
    for (const line of lines) at.desk.push(line);
    await until("they come", () => follower.lines().length >= 1_000);
    expect(follower.lines().slice(-1_000)).toEqual(lines);
    expect(other.answers).toEqual([]);
  });

  test("hands a flood of the longest lines on in messages that are taken, and none that is too long", async () => {
    await using at = await desk();
    using follower = await clientOf(at.path);
    follower.conversation.send({ follow: "access" });
    await until("it follows", () => {
      at.desk.push("first");
      return follower.lines().includes("first");
    });
    follower.answers.length = 0;
    const longest = "\u0001".repeat(4_096); // six characters each in JSON
    for (let each = 0; each < 200; each += 1) at.desk.push(longest);
    at.desk.push(`${longest}.`);
    at.desk.push("last");
    await until("the last comes", () => follower.lines().at(-1) === "last");
    expect(follower.lines().filter((line) => line !== "first")).toEqual([
      ...Array(200).fill(longest),
      "last",
    ]);
  });

  test("is open to its group alone", async () => {
    await using at = await desk();
    expect((statSync(at.path).mode & 0o777).toString(8)).toBe("660");
  });

  test.skipIf(missing)(`lets nobody ask who is neither root nor the capture${missing}`, async () => {
    await using at = await desk();
    chmodSync(dirname(at.path), 0o755);
    chmodSync(at.path, 0o666); // the socket's mode alone would keep him out
    const program = join(import.meta.dirname, "programs/ask-as-nobody.ts");
    await using child = startCommand(process.execPath, [program, at.path]);
    expect(await child.line()).toBe("closed without an answer");
    expect(at.asked).toEqual([]);
  });
});

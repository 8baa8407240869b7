/** The capture's line and the enforcer's FlowDesk over a real socket, and enforcers that do not keep to it. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FlowDesk, type FlowDeskOptions } from "../../src/daemon/flow-desk.ts";
import { EnforcerLine, type FlowOwner } from "../../src/hosts/enforcer-line.ts";
import { JsonLines, type Message } from "../../src/json-lines.ts";
import { serveLocalSocket } from "../../src/local-socket.ts";
import { userName } from "../../src/names.ts";
import { until } from "../support/until.ts";

/** Flows from even ports are joe's. */
const ownerOf: FlowDeskOptions["ownerOf"] = (transport, source) =>
  source.port % 2 === 0
    ? { account: userName("joe"), service: transport === "tcp" ? "ssh" : "xray" }
    : undefined;

const flow = (sourcePort: number, protocol: "tcp" | "udp" = "tcp") => ({
  ...{ protocol, sourcePort, source: "127.0.0.1" },
  ...{ destination: "2a00::1", destinationPort: 443 },
});

async function socketPath() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-flows-"));
  return {
    path: join(folder.path, "flows.sock"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function lineTo(path: string) {
  const lines: string[] = [];
  const line = new EnforcerLine(path, (text) => lines.push(text));
  return {
    line,
    lines,
    connected: () => until("it connects", () => line.connected),
    /** The owner's keeper and name, or "nobody". */
    ask: (question: ReturnType<typeof flow>) =>
      new Promise<string>((resolve) => {
        line.ask(question, (owner: FlowOwner | undefined) =>
          resolve(owner ? `${owner.keeper} ${owner.account}` : "nobody"),
        );
      }),
    [Symbol.dispose]: () => line[Symbol.dispose](),
  };
}

/** An enforcer that answers each message with what `answer` makes of it. */
async function enforcerThat(path: string, answer: (message: Message) => Message | undefined) {
  const asked: Message[] = [];
  const server = await serveLocalSocket({
    path,
    mode: 0o600,
    onConnection: (socket) => {
      const conversation = new JsonLines(
        socket,
        (message) => {
          asked.push(message);
          const reply = answer(message);
          if (reply) conversation.send(reply);
        },
        () => undefined,
      );
      return conversation;
    },
  });
  return { asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe("EnforcerLine", () => {
  test("ask() tells whose a flow is", async () => {
    await using at = await socketPath();
    await using desk = new FlowDesk({ path: at.path, ownerOf });
    await desk.start();
    using to = lineTo(at.path);
    await to.connected();
    const answers = [flow(2), flow(3), flow(4, "udp"), flow(5, "udp")].map((each) => to.ask(each));
    expect(await Promise.all(answers)).toEqual(["ssh joe", "nobody", "xray joe", "nobody"]);
  });

  test("ask() has thousands of answers, each for its own question", async () => {
    await using at = await socketPath();
    await using desk = new FlowDesk({ path: at.path, ownerOf });
    await desk.start();
    using to = lineTo(at.path);
    await to.connected();
    const answers = await Promise.all(Array.from({ length: 4_001 }, (_, port) => to.ask(flow(port))));
    expect(answers.slice(0, 4_000)).toEqual(
      Array.from({ length: 4_000 }, (_, port) => (port % 2 === 0 ? "ssh joe" : "nobody")),
    );
    expect(answers.at(-1)).toBe("nobody"); // beyond what may be open: answered at once
  });

  test("ask() answers nobody where no enforcer is", async () => {
    using to = lineTo("/nonexistent/flows.sock");
    expect(await to.ask(flow(2))).toBe("nobody");
    expect(to.line.connected).toBe(false);
  });

  test("expire() lets go of questions that an enforcer leaves open, and an answer that comes late is nobody's", async () => {
    await using at = await socketPath();
    let late: Message | undefined;
    await using enforcer = await enforcerThat(at.path, () => late);
    using to = lineTo(at.path);
    await to.connected();
    const answer = to.ask(flow(2));
    await until("it is asked", () => enforcer.asked.length === 1);
    const answered = await until("it is let go", () => {
      to.line.expire();
      return Promise.race([answer, Promise.resolve(undefined)]);
    });
    expect(answered).toBe("nobody");
    late = { are: [[1, "joe", "ssh"]], upTo: 2 };
    expect(await to.ask(flow(4))).toBe("nobody");
  });

  test.for([
    { name: "a name that can be none", answer: { are: [[1, "\u0000", "ssh"]], upTo: 1 } },
    { name: "something else than a list of answers", answer: { are: [null], upTo: 1 } },
    { name: "an error", answer: { error: "no" } },
  ])("ask() answers nobody to $name, and the line is let go", async ({ answer }) => {
    await using at = await socketPath();
    await using _enforcer = await enforcerThat(at.path, () => answer);
    using to = lineTo(at.path);
    await to.connected();
    expect(await to.ask(flow(2))).toBe("nobody");
    await until("it is let go", () => !to.line.connected);
  });

  test("finds an enforcer that comes again, and follows its lines there", async () => {
    await using at = await socketPath();
    using to = lineTo(at.path);
    to.line.follow();
    const first = new FlowDesk({ path: at.path, ownerOf });
    await first.start();
    await to.connected();
    await until("a line comes", () => {
      first.push("one");
      return to.lines.includes("one");
    });
    const open = to.ask(flow(2));
    await first[Symbol.asyncDispose]();
    expect(await open).toBe("nobody");
    await until("it is told", () => !to.line.connected);
    await using second = new FlowDesk({ path: at.path, ownerOf });
    await second.start();
    await to.connected();
    expect(await to.ask(flow(2))).toBe("ssh joe");
    await until("a line comes", () => {
      second.push("two");
      return to.lines.includes("two");
    });
  });

  test("answers what is open when it ends, and asks no more", async () => {
    await using at = await socketPath();
    await using enforcer = await enforcerThat(at.path, () => undefined);
    const to = lineTo(at.path);
    await to.connected();
    const answer = to.ask(flow(2));
    to[Symbol.dispose]();
    expect(await answer).toBe("nobody");
    expect(enforcer.asked).toEqual([]);
  });
});

import { existsSync, statSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UnreachableError } from "../src/errors.ts";
import { connectJsonLines, JsonLines, type Message } from "../src/json-lines.ts";
import { serveLocalSocket } from "../src/local-socket.ts";
import { until } from "./support/until.ts";

type OnMessage = (message: Message, conversation: JsonLines) => void;

/** A server, and what it was told. */
async function served(onMessage: OnMessage = () => undefined) {
  await using setup = new AsyncDisposableStack();
  const folder = setup.use(await mkdtempDisposable(join(tmpdir(), "sluice-lines-")));
  const path = join(folder.path, "run/test.sock");
  const messages: Message[] = [];
  const sockets: Socket[] = [];
  const conversations: JsonLines[] = [];
  const ends: (string | undefined)[] = [];
  const options = {
    path,
    mode: 0o660,
    onConnection: (socket: Socket) => {
      const conversation = new JsonLines(
        socket,
        (message) => {
          messages.push(message);
          onMessage(message, conversation);
        },
        (why) => ends.push(why),
      );
      sockets.push(socket);
      conversations.push(conversation);
      return conversation;
    },
  };
  setup.use(await serveLocalSocket(options));
  const made = setup.move();
  return {
    path,
    options,
    messages,
    sockets,
    conversations,
    ends,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

/** A bare client: what it sends is up to it. */
async function bareClient(path: string) {
  const socket = await connectJsonLines(path);
  let text = "";
  let closed = false;
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("close", () => {
    closed = true;
  });
  return {
    socket,
    text: () => text,
    answers: () => until("it ends", () => closed && text),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

describe("JsonLines", () => {
  test("takes messages one by one, however their bytes come", async () => {
    await using server = await served();
    using client = await bareClient(server.path);
    const bytes = Buffer.from('{"a":1}\n\n{"b":"\u00fc\u4e2d"}\r\n{"c":3}\n{"d');
    for (const byte of bytes) client.socket.write(Buffer.of(byte));
    await until("they come", () => server.messages.length === 3);
    expect(server.messages).toEqual([{ a: 1 }, { b: "\u00fc\u4e2d" }, { c: 3 }]);
  });

  test.for(["what\n", "[1]\n", "null\n", '"text"\n', "\u001b[2J\n", "{\n"])(
    "answers %j with an error and takes nothing more",
    async (line) => {
      await using server = await served();
      using client = await bareClient(server.path);
      client.socket.write(`{"a":1}\n${line}{"b":2}\n`);
      expect(await client.answers()).toMatch(
        /^\{"error":"expected an object in JSON on each line, got .*"\}\n$/,
      );
      expect(server.messages).toEqual([{ a: 1 }]);
    },
  );

  test("refuses a line that never ends", async () => {
    await using server = await served();
    using client = await bareClient(server.path);
    client.socket.on("error", () => undefined); // it writes on into a closed socket
    client.socket.write(Buffer.alloc((1 << 20) + 1, "x"));
    expect(await client.answers()).toContain("expected lines of at most 1048576 characters");
  });

  test("answers what its listener throws, with the code, and ends", async () => {
    await using server = await served((message) => {
      if (message["bad"]) throw Object.assign(new Error("not so"), { code: "REFUSED" });
    });
    using client = await bareClient(server.path);
    client.socket.write('{"bad":true}\n');
    expect(await client.answers()).toBe('{"error":"not so","code":"REFUSED"}\n');
    await until("it is told", () => server.ends.length === 1);
    expect(server.ends).toEqual([undefined]);
  });

  test("takes nothing after it was ended here, not even of what came with it", async () => {
    await using server = await served((message, conversation) => {
      conversation.send({ got: message["ask"] });
      conversation.end();
    });
    using client = await bareClient(server.path);
    client.socket.write('{"ask":1}\n{"ask":2}\n');
    expect(await client.answers()).toBe('{"got":1}\n');
    expect(server.messages).toEqual([{ ask: 1 }]);
    expect(server.ends).toEqual([undefined]);
  });

  test("lets go of a reader who does not read", async () => {
    await using server = await served();
    using client = await bareClient(server.path);
    client.socket.pause();
    await until("it is there", () => server.conversations.length === 1);
    const [conversation] = server.conversations;
    const text = "x".repeat(1 << 20);
    for (let each = 0; each < 40; each += 1) conversation?.send({ text });
    await until("it is let go", () => server.ends.length === 1);
    expect(server.sockets[0]?.destroyed).toBe(true);
  });

  test("drained() waits for the reader, leaves no listeners, and ends with him", async () => {
    await using server = await served();
    using client = await bareClient(server.path);
    client.socket.pause();
    await until("it is there", () => server.conversations.length === 1);
    const [conversation, socket] = [server.conversations[0], server.sockets[0]];
    const before = socket?.listenerCount("close");
    for (let each = 0; each < 20; each += 1) {
      conversation?.send({ text: "x".repeat(1 << 20) });
      const drained = conversation?.drained();
      client.socket.resume();
      await drained;
      client.socket.pause();
    }
    expect(socket?.listenerCount("close")).toBe(before);
    conversation?.send({ text: "x".repeat(1 << 20) });
    const drained = conversation?.drained();
    client.socket.destroy();
    await drained;
    expect(socket?.destroyed).toBe(true);
  });
});

describe("serveLocalSocket()", () => {
  test("makes the folder and gives the socket its mode", async () => {
    await using server = await served();
    expect((statSync(server.path).mode & 0o777).toString(8)).toBe("660");
  });

  test("takes the place of a dead process's socket, not of a living one's", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-lines-"));
    const path = join(folder.path, "test.sock");
    writeFileSync(path, "");
    const options = {
      path,
      mode: 0o600,
      onConnection: (socket: Socket) =>
        new JsonLines(
          socket,
          () => undefined,
          () => undefined,
        ),
    };
    const server = await serveLocalSocket(options);
    await expect(serveLocalSocket(options)).rejects.toThrow(`Cannot listen at ${path}: another process does`);
    await server[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
  });

  test("closes on whom its maker refuses, and goes on", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-lines-"));
    let refused = 0;
    const path = join(folder.path, "test.sock");
    await using _server = await serveLocalSocket({
      path,
      mode: 0o600,
      onConnection: () => {
        refused += 1;
        throw new Error("not you");
      },
    });
    for (const _ of [1, 2]) {
      using client = await bareClient(path);
      expect(await until("it is closed", () => client.socket.closed && "closed")).toBe("closed");
      expect(client.text()).toBe("");
    }
    expect(refused).toBe(2);
  });

  test("ends its conversations with itself", async () => {
    const server = await served();
    using client = await bareClient(server.path);
    await until("it is there", () => server.conversations.length === 1);
    await server[Symbol.asyncDispose]();
    await until("it is closed", () => client.socket.closed);
  });
});

describe("connectJsonLines()", () => {
  test("says where nobody answers", async () => {
    const error = await connectJsonLines("/nonexistent/test.sock").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnreachableError);
    expect((error as Error).message).toMatch(/^Cannot connect to \/nonexistent\/test\.sock: .*ENOENT/);
  });
});

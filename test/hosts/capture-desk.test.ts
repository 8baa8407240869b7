/** CaptureDesk and CaptureClient, over a real socket, before a real store. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RefusedRequestError, UnreachableError } from "../../src/errors.ts";
import { CaptureClient, type WatchPart } from "../../src/hosts/capture-client.ts";
import { CaptureDesk, type CaptureStatus, type CaptureWork } from "../../src/hosts/capture-desk.ts";
import { connectJsonLines, JsonLines, type Message } from "../../src/json-lines.ts";
import { userName } from "../../src/names.ts";
import { until } from "../support/until.ts";
import { NOW, NOW_TEXT, sight, storeFolder } from "./opened-store.ts";

const STATUS = { version: "1.2.3", hosts: 7 } as unknown as CaptureStatus;
const names = (count: number) => Array.from({ length: count }, (_, index) => `h${index}.example`);

/** A desk before a store that has these hosts. */
async function opened(hosts: readonly string[] = [], more: Partial<CaptureWork> = {}) {
  await using setup = new AsyncDisposableStack();
  const folder = setup.use(await storeFolder());
  const { store, see, path: log } = setup.use(await folder.open({ perAccount: true, maxHosts: 10_000 }));
  const work: CaptureWork = {
    status: () => STATUS,
    total: () => store.list.register.size,
    rows: () => store.rows(),
    rowsOf: (account) => store.rowsOf(account),
    latest: (count) => store.list.latest(count),
    add: (host, service, source) => store.add(host, service, source, NOW),
    remove: (gone) => store.remove(gone),
    clear: () => store.clear(),
    takeOver: (lines) => store.takeOver(lines),
    scan: () => Promise.resolve([...store.list.lines()]),
    ...more,
  };
  const path = join(folder.path, "capture.sock");
  const web = join(folder.path, "web.sock");
  let mayLook = true;
  const desk = setup.use(new CaptureDesk(work, { path, web: { path: web, mayLook: () => mayLook } }));
  await desk.start();
  see(...hosts);
  const made = setup.move();
  return {
    ...{ store, desk, path, log },
    client: new CaptureClient(path),
    web: new CaptureClient(web),
    shutOut: () => {
      mayLook = false;
    },
    push: (...fresh: readonly string[]) => {
      for (const host of fresh) desk.push(lineOfNew(host));
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

const lineOfNew = (host: string) => ({
  ...{ host: host as never, service: "SNI", source: "N/A", time: NOW_TEXT },
});

test("takeOver() hands on as many lines as there are, in messages that are taken", async () => {
  await using desk = await opened(["h7.example"]);
  const lines = names(1_201).map((host) => `${host}|SSH|N/A|2026-11-01 10:00:00`);
  expect(await desk.client.takeOver(lines)).toBe(1_200);
  expect(desk.store.list.register.size).toBe(1_201);
});

/** Collects parts until the signal aborts. */
function watching(client: CaptureClient) {
  const stop = new AbortController();
  const parts: WatchPart[] = [];
  const ended = (async () => {
    for await (const part of client.watch(stop.signal)) parts.push(part);
  })();
  return {
    stop,
    parts,
    ended,
    hosts: () => parts.flatMap((part) => part.hosts.map(({ host }) => String(host))),
  };
}

describe("CaptureDesk and CaptureClient", () => {
  test("status() brings what the capture says of itself", async () => {
    await using at = await opened();
    expect(await at.client.status()).toEqual(STATUS);
  });

  test.for([0, 1, 500, 1_201])("rows() brings all of %i hosts, once", async (count) => {
    await using at = await opened(names(count));
    const rows = await Array.fromAsync(at.client.rows(undefined));
    expect(rows.map(({ host }) => host)).toEqual(names(count));
    expect(rows.at(-1)?.count).toBe(count === 0 ? undefined : 1);
  });

  test("rows() of an account brings its own, and refuses where none are kept", async () => {
    await using at = await opened(["a.example"]);
    at.store.see(sight("b.example", { account: userName("joe") }));
    const rows = await Array.fromAsync(at.client.rows("joe"));
    expect(rows.map(({ host }) => host)).toEqual(["b.example"]);
    const refuse = () => {
      throw new RefusedRequestError("not kept");
    };
    await using without = await opened([], { rowsOf: refuse });
    await expect(Array.fromAsync(without.client.rows("joe"))).rejects.toThrow(
      new RefusedRequestError("not kept"),
    );
  });

  test("rows() brings none of a file that somebody removed, and an error that comes on the way", async () => {
    await using at = await opened(["a.example"]);
    rmSync(at.log);
    expect(await Array.fromAsync(at.client.rows(undefined))).toEqual([]);
    await using broken = await opened([], {
      *rows() {
        yield* [];
        throw new Error("the disk is gone");
      },
    });
    await expect(Array.fromAsync(broken.client.rows(undefined))).rejects.toThrow("the disk is gone");
    expect(await broken.client.status()).toEqual(STATUS);
  });

  test("add() adds once, and refuses what may not stand there", async () => {
    await using at = await opened();
    const line = { host: "a.example", service: "Manual", source: "198.51.100.7", time: NOW_TEXT };
    expect(await at.client.add("a.example", "manual", "198.51.100.7")).toEqual(line);
    expect(await at.client.add("a.example", "SNI", undefined)).toBeUndefined();
    await expect(at.client.add("a|b", "SNI", undefined)).rejects.toThrow(RefusedRequestError);
    await expect(at.client.add("b.example", "SNI", "\u001b[2J")).rejects.toThrow(RefusedRequestError);
  });

  test("remove() and clear() say what they took out", async () => {
    await using at = await opened(["a.example", "b.example", "c.example"]);
    expect(await at.client.remove(["B.example", "x.example"])).toEqual(["b.example"]);
    expect(await at.client.clear()).toBe(2);
    expect(await Array.fromAsync(at.client.rows(undefined))).toEqual([]);
  });

  test("scan() brings more lines than a message takes, or why there are none", async () => {
    const lines = names(20_000).map(lineOfNew);
    await using at = await opened([], { scan: () => Promise.resolve(lines) });
    expect(await at.client.scan()).toEqual(lines);
    await using broken = await opened([], { scan: () => Promise.reject(new Error("no log")) });
    await expect(broken.client.scan()).rejects.toThrow("no log");
  });

  test("watch() brings the latest at once, then what is new as it comes", async () => {
    await using at = await opened(names(150));
    const watch = watching(at.client);
    await until("the first part comes", () => watch.parts.length === 1);
    expect(watch.parts[0]?.total).toBe(150);
    expect(watch.hosts()).toEqual(names(150).slice(50));
    at.push("new.example");
    await until("it comes", () => watch.hosts().includes("new.example"));
    watch.stop.abort();
    await watch.ended;
  });

  test("watch() tells what was removed, and that all were", async () => {
    await using at = await opened(["a.example", "b.example", "c.example"]);
    const watch = watching(at.client);
    await until("the first part comes", () => watch.parts.length === 1);
    await at.client.remove(["b.example"]);
    await until("it is told", () => watch.parts.length === 2);
    expect(watch.parts[1]).toEqual({ total: 2, hosts: [], gone: ["b.example"] });
    await at.client.clear();
    await until("it is told", () => watch.parts.length === 3);
    expect(watch.parts[2]).toEqual({ total: 0, hosts: [], gone: [] });
    watch.stop.abort();
    await watch.ended;
  });

  test("watch() brings a flood whole, in order, to every watcher", async () => {
    await using at = await opened();
    const watches = [watching(at.client), watching(at.client)];
    await until("both watch", () => watches.every(({ parts }) => parts.length === 1));
    at.push(...names(20_000));
    for (const watch of watches) {
      await until("it all comes", () => watch.hosts().length === 20_000);
      expect(watch.hosts()).toEqual(names(20_000));
    }
  });

  test("watch() ends with its signal, also with one that aborted before, and with the capture", async () => {
    const at = await opened();
    expect(await Array.fromAsync(at.client.watch(AbortSignal.abort()))).toEqual([]);
    const watch = watching(at.client);
    await until("it watches", () => watch.parts.length === 1);
    await at[Symbol.asyncDispose]();
    await watch.ended;
  });

  test.for([
    { request: { ask: "what" }, why: /expected "ask" to be status, list, .* got "what"$/ },
    { request: {}, why: /got undefined$/ },
    { request: { ask: "remove", hosts: "a.example" }, why: /expected "hosts" to be a list of texts$/ },
    { request: { ask: "remove", hosts: [1] }, why: /expected "hosts" to be a list of texts$/ },
    { request: { ask: "add", service: "SNI" }, why: /expected "host" to be a text, got undefined$/ },
    { request: { ask: "list", account: 7 }, why: /expected "account" to be a text, got number$/ },
  ])("refuses $request", async ({ request, why }) => {
    await using at = await opened();
    const answers: Message[] = [];
    const ended = Promise.withResolvers<unknown>();
    const socket = await connectJsonLines(at.path);
    using conversation = new JsonLines(socket, (answer) => answers.push(answer), ended.resolve);
    for (const each of [request, { ask: "clear" }]) conversation.send(each);
    await ended.promise;
    expect(answers).toEqual([{ error: expect.stringMatching(why), code: "REFUSED" }]);
  });

  test("a second capture is told that one listens already", async () => {
    await using at = await opened();
    await using second = new CaptureDesk({} as CaptureWork, { path: at.path, web: undefined });
    await expect(second.start()).rejects.toThrow("another process does");
    expect(await at.client.status()).toEqual(STATUS);
  });

  test("CaptureClient says that no capture runs", async () => {
    const client = new CaptureClient("/nonexistent/capture.sock");
    await expect(client.status()).rejects.toThrow(UnreachableError);
    await expect(Array.fromAsync(client.watch(new AbortController().signal))).rejects.toThrow(
      UnreachableError,
    );
  });
});

describe("on the web's socket", () => {
  test("status(), rows() and watch() are answered", async () => {
    await using desk = await opened(["one.example", "two.example"]);
    expect(await desk.web.status()).toEqual(STATUS);
    const rows = await Array.fromAsync(desk.web.rows(undefined));
    expect(rows.map(({ host }) => host).toSorted()).toEqual(["one.example", "two.example"]);
    for await (const { total } of desk.web.watch(AbortSignal.timeout(5_000))) {
      expect(total).toBe(2);
      break;
    }
  });

  test.for([
    { name: "add", order: (web: CaptureClient) => web.add("new.example", "SNI", undefined) },
    { name: "remove", order: (web: CaptureClient) => web.remove(["one.example"]) },
    { name: "clear", order: (web: CaptureClient) => web.clear() },
    {
      name: "import",
      order: (web: CaptureClient) => web.takeOver(["a.example|SNI|N/A|2026-11-01 10:00:00"]),
    },
    { name: "scan", order: (web: CaptureClient) => web.scan() },
  ])("$name is refused, and nothing changes", async ({ name, order }) => {
    await using desk = await opened(["one.example"]);
    const refused = order(desk.web);
    await expect(refused).rejects.toThrow(RefusedRequestError);
    await expect(refused).rejects.toThrow(
      `expected "ask" to be status, list, watch on this socket, got "${name}"`,
    );
    expect([...desk.store.rows()].map(({ host }) => host)).toEqual(["one.example"]);
  });

  test("who may not look is not answered", async () => {
    await using desk = await opened();
    desk.shutOut();
    await expect(desk.web.status()).rejects.toThrow("without an answer");
    expect(await desk.client.status()).toEqual(STATUS);
  });
});

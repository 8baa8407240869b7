import { describe, expect, test } from "vitest";
import { MOST_CLIENTS_OF_ONE } from "../../../../src/faces/web/live/hub.ts";
import type { LiveMessage } from "../../../../src/faces/web/wire.ts";
import { userName } from "../../../../src/names.ts";
import { until } from "../../../support/until.ts";
import { ADMIN, openHub, VIEWER } from "./opened-hub.ts";

const accounts = (message: LiveMessage | undefined) =>
  message?.type === "accounts"
    ? { full: message.full, names: message.rows.map(([name]) => name), gone: message.gone }
    : undefined;
const overviewSays = (accounts: number) => (message: LiveMessage) =>
  message.type === "overview" && message.overview.accounts === accounts;

describe("LiveHub", () => {
  test("tells all accounts, then who changed and who went", async () => {
    const { open, clock, look, books, entry } = await openHub();
    const page = await open();
    page.say({ view: "accounts" });
    expect(accounts(await page.told("all", () => true))).toEqual({
      full: true,
      names: ["amy", "joe"],
      gone: [],
    });
    look("e", { joe: [500, 0] });
    await clock.advance(2_000);
    const changed = await page.told(
      "joe alone",
      (message) => accounts(message)?.full === false && accounts(message)?.names.length === 1,
    );
    expect(changed).toMatchObject({
      rows: [["joe", "unlimited", ["xray"], 500, 0, 500, 0, 500, 0, expect.any(Number)]],
    });
    books.remove(entry("joe"));
    books.know(userName("zoe"), "xray");
    await clock.advance(2_000);
    await page.told(
      "who went",
      (message) => accounts(message)?.gone.join() === "joe" && accounts(message)?.names.join() === "zoe",
    );
  });

  test("has one watch however many look, and one text for all of them", async () => {
    const { open, clock, daemon } = await openHub();
    const pages = [await open(), await open(VIEWER), await open()];
    for (const page of pages) page.say({ view: "overview" });
    for (const page of pages) await page.told("the overview", overviewSays(2));
    await clock.advance(5_000);
    expect(daemon).toMatchObject({ opened: 1, requests: [{ periodMs: 1_000, inView: [] }] });
    await until("each was told as often", () => pages.every(({ messages }) => messages.length === 6));
    expect(new Set(pages.map(({ messages }) => JSON.stringify(messages))).size).toBe(1);
  });

  test("tells of an account ten times a second while it is looked at", async () => {
    const { open, clock, look, daemon } = await openHub();
    const page = await open();
    page.say({ view: "account", name: "joe" });
    await page.told("joe", (message) => message.type === "account" && message.account?.name === "joe");
    for (let count = 1; count <= 10; count++) {
      look("e", { joe: [count, 0] });
      await clock.advance(100);
    }
    const seen = await until("each step", () => {
      const counts = page.messages.flatMap((message) =>
        message.type === "account" ? [message.account?.totalBytes] : [],
      );
      return new Set(counts).size >= 10 && counts;
    });
    expect(seen.at(-1)).toBe(10);
    expect(daemon.requests).toEqual([{ periodMs: 100, inView: ["joe"] }]);
    page.say({ view: "account", name: "nobody" });
    await page.told(
      "that there is nobody",
      (message) => message.type === "account" && message.account === null,
    );
    page.say({ view: "accounts" });
    await page.told("all", (message) => message.type === "accounts");
    expect(daemon.requests.at(-1)).toEqual({ periodMs: 1_000, inView: [] });
  });

  test("ends its watch when for a quarter of a minute nobody looked", async () => {
    const { open, clock, views, hub } = await openHub();
    const page = await open();
    page.say({ view: "overview" });
    await page.told("the overview", overviewSays(2));
    page.say({ view: "none" });
    await clock.advance(14_000);
    expect([views.watched, hub.users().size]).toEqual([true, 2]);
    await clock.advance(4_000);
    expect([views.watched, hub.users().size, hub.status()]).toEqual([false, 0, undefined]);
    expect(hub.heardAt).toBeGreaterThan(0);
    expect(await hub.heard()).toBe(true);
    expect(hub.users().size).toBe(2);
    await clock.advance(17_000);
    expect(await hub.heard(1_000)).toBe(true);
    await clock.advance(3_000);
    expect(views.watched).toBe(false);
  });

  test("says that the daemon is away, and tells all once it is back", async () => {
    const { open, clock, look, goAway, daemon, hub } = await openHub();
    const [page, other] = [await open(), await open()];
    page.say({ view: "accounts" });
    other.say({ view: "overview" });
    await page.told("all", (message) => message.type === "accounts");
    await other.told("the overview", overviewSays(2));
    goAway();
    await clock.advance(2_000);
    await page.told("the trouble", (message) => message.type === "trouble");
    await other.told(
      "that nothing is known",
      (message) => message.type === "overview" && !message.overview.connected,
    );
    expect(await hub.view({ view: "accounts" }, ADMIN)).toMatchObject({ type: "trouble" });
    expect(await hub.view({ view: "overview" }, ADMIN)).toMatchObject({
      overview: { connected: false, accounts: 2 },
    });
    page.messages.length = 0;
    daemon.away = false;
    look("e", { joe: [7, 0] });
    await clock.advance(8_000);
    expect(accounts(await page.told("all again", (message) => message.type === "accounts"))?.full).toBe(true);
  });

  test("takes a daemon that never says anything for one that is away", async () => {
    const { open, clock, daemon } = await openHub();
    daemon.silent = true;
    const page = await open();
    page.say({ view: "accounts" });
    await until("it is asked", () => daemon.opened === 1);
    await clock.advance(8_000);
    await page.told(
      "the trouble",
      (message) => message.type === "trouble" && message.text.includes("nothing for 5 s"),
    );
  });

  test("takes a daemon that says nothing any more for one that is away", async () => {
    const { open, clock, daemon } = await openHub();
    const page = await open();
    page.say({ view: "accounts" });
    await page.told("all", (message) => message.type === "accounts");
    daemon.silent = true;
    await clock.advance(8_000);
    await page.told(
      "the trouble",
      (message) => message.type === "trouble" && message.text.includes("nothing for 5 s"),
    );
    daemon.silent = false;
    page.messages.length = 0;
    await clock.advance(8_000);
    await page.told("all again", (message) => accounts(message)?.full === true);
  });

  test("shows hosts to admins alone: the newest, then those that come and go", async () => {
    const { open, clock, capture, hub } = await openHub();
    const line = (host: string) => ({
      host: host as never,
      service: "SNI",
      source: "N/A",
      time: "2026-11-21 10:00:00",
    });
    capture.tell({ total: 2, hosts: [line("a.example"), line("b.example")], gone: [] });
    const page = await open();
    page.say({ view: "hosts" });
    expect(await page.told("the newest", () => true)).toMatchObject({
      full: true,
      total: 2,
      hosts: [{ host: "b.example" }, { host: "a.example" }],
    });
    await clock.advance(1_000);
    capture.tell({ total: 3, hosts: [line("c.example")], gone: [] });
    capture.tell({ total: 2, hosts: [], gone: ["a.example"] });
    await clock.advance(2_000);
    await page.told(
      "what changed",
      (message) =>
        message.type === "hosts" &&
        !message.full &&
        message.hosts[0]?.host === "c.example" &&
        message.gone[0] === "a.example",
    );
    capture.tell({ total: 0, hosts: [], gone: [] });
    await clock.advance(1_000);
    await page.told(
      "that all are gone",
      (message) => message.type === "hosts" && message.full && message.total === 0,
    );
    const guest = await open(VIEWER);
    guest.say({ view: "hosts" });
    expect(await guest.closed).toBe(1008);
    await expect(hub.view({ view: "hosts" }, VIEWER)).rejects.toThrow("expected an admin");
    expect(capture.opened()).toBe(1);
  });

  test.each([
    ["no JSON", "{"],
    ["no view", "{}"],
    ["a view there is not", '{"view":"secrets"}'],
    ["an account without a name", '{"view":"account"}'],
    ["a null", "null"],
    ["too long a name", JSON.stringify({ view: "account", name: "x".repeat(4_096) })],
  ])("closes a page that says %s", async (_, text) => {
    const { open } = await openHub();
    const page = await open();
    page.say(text);
    expect(await page.closed).toBe(1008);
  });

  test("closes a page that asks faster than a person could", async () => {
    const { open } = await openHub();
    const page = await open();
    for (let count = 0; count < 40; count++) page.say({ view: "overview" });
    expect(await page.closed).toBe(1008);
  });

  test("lets go of a page whose login ended, at once or within ten seconds", async () => {
    let may = true;
    const { open, clock, hub } = await openHub(() => may);
    const [page, guest] = [await open(), await open(VIEWER)];
    hub.endOf(VIEWER.key);
    expect(await guest.closed).toBe(1008);
    may = false;
    await clock.advance(10_000);
    expect(await page.closed).toBe(1008);
    await until("nobody looks", () => hub.viewers === 0);
  });

  test("takes so many pages of one login and no more", async () => {
    const { open } = await openHub();
    for (let count = 0; count < MOST_CLIENTS_OF_ONE; count++) await open();
    expect(await (await open()).closed).toBe(1013);
    const guest = await open(VIEWER);
    guest.say({ view: "overview" });
    await guest.told("the overview", overviewSays(2));
  });

  test("ends a page that answers no ping", async () => {
    const { open, clock } = await openHub();
    const page = await open();
    page.socket.pause();
    await clock.advance(30_000);
    await clock.advance(30_000);
    page.socket.resume();
    expect(await page.closed).toBe(1006);
  });

  test("drops frames for a page that does not read, and then tells it all", async () => {
    const { open, clock, look } = await openHub();
    const page = await open();
    page.say({ view: "accounts" });
    await page.told("all", (message) => message.type === "accounts");
    page.socket.pause();
    // More than sockets take in.
    page.server.send(Buffer.alloc(16 << 20, " "), { binary: false });
    page.messages.length = 0;
    expect(page.server.bufferedAmount).toBeGreaterThan(1 << 20);
    const waiting = page.server.bufferedAmount;
    look("e", { joe: [9, 0] });
    await clock.advance(3_000);
    expect(page.server.bufferedAmount).toBeLessThanOrEqual(waiting);
    page.socket.removeAllListeners("message"); // the filler is no JSON
    const next: LiveMessage[] = [];
    page.socket.on("message", (data) => {
      const text = (data as Buffer).toString();
      if (text.trim() !== "") next.push(JSON.parse(text) as LiveMessage);
    });
    page.socket.resume();
    await until("it caught up", () => page.server.bufferedAmount === 0);
    await clock.advance(1_000);
    expect(accounts(await until("a message", () => next[0]))).toMatchObject({
      full: true,
      names: ["amy", "joe"],
    });
  });
});

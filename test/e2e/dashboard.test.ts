/**
 * The dashboard as an operator uses it, in a real browser, before a real engine
 * that carries traffic: he signs in, watches an account move, limits it, sees
 * the cut, and leaves.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { build } from "vite";
import { expect, test } from "vitest";
import { accessFaults, openBrowser, openPage, pictures } from "../support/browser.ts";
import { testUser } from "../support/engine-config.ts";
import { findEngines } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { addAdmin, startWebProcess } from "../support/web-process.ts";
import { MIB, setStage } from "./stage.ts";

const [program] = findEngines();
const alice = testUser("alice");
const PASSWORD = "correct horse battery staple";
const ENDLESS = { up: 0, down: 500 * MIB, rate: 2 * MIB };
const PAGES = ["overview", "accounts", "sessions", "connections", "hosts", "server", "settings"] as const;
const CONFIG = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));
const BUILT = fileURLToPath(new URL("../../dist/page/index.html", import.meta.url));

const missing = needs("chromium") || (program ? "" : " (needs: xray or v2ray)");

test.skipIf(missing !== "")(
  `an operator signs in, watches, limits, sees the cut, and signs out${missing}`,
  { timeout: 60_000 },
  async () => {
    if (!program) return;
    if (!existsSync(BUILT)) await build({ configFile: CONFIG, logLevel: "warn" });
    const port = await freePort();
    const inbound = { tag: "in", protocol: "vless", users: [alice] } as const;
    const { sluice, start, transfer } = await setStage(program, [inbound], {
      ...{ history: {}, connections: {}, web: { listen: `127.0.0.1:${port}`, may_delete: true } },
    });
    await start();
    await using _ = await startWebProcess(sluice, port);
    await using browser = await openBrowser();
    await using opened = await openPage(browser, `http://127.0.0.1:${port}/#/accounts/alice`);
    const { page, complaints } = opened;

    await page.getByText("sluice admin add NAME").waitFor();
    await addAdmin(sluice, "olga", PASSWORD);
    await page.getByRole("button", { name: "Look again" }).click();
    await signIn(page, "wrong");
    await page.getByRole("alert").waitFor();
    expect(await accessFaults(page)).toEqual([]);
    await signIn(page, PASSWORD);

    // Where he wanted to go from the first.
    await page.getByRole("heading", { name: "alice", exact: true }).waitFor();
    const running = await transfer(alice, ENDLESS);
    const before = await until("something is counted", async () => (await usedOn(page)) || undefined);
    await until("the figure moves", async () => (await usedOn(page)) > before);
    await page
      .getByText(/^[1-9][\d.]* MB\/s$/)
      .first()
      .waitFor();
    expect(await accessFaults(page)).toEqual([]);

    await page.getByLabel("Total limit").fill("1MB");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText("More than that is used already").waitFor();
    await page.getByRole("button", { name: "Set it all the same" }).click();
    await page.locator(".title .badge", { hasText: "limited" }).waitFor();
    expect((await running.finished).outcome).not.toBe("complete");
    await sluice.event("cut", alice.email);
    expect(await pictures(page, "account")).toEqual([]);

    for (const name of PAGES) {
      await page.goto(`http://127.0.0.1:${port}/#/${name}`);
      await page.locator("h1").waitFor();
      if (name === "accounts") await page.getByRole("link", { name: "alice" }).waitFor();
      if (name === "connections") await page.locator("main svg path").first().waitFor({ state: "attached" });
      expect([name, await accessFaults(page)]).toEqual([name, []]);
      expect([name, await pictures(page, name)]).toEqual([name, []]);
    }
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await accessFaults(page)).toEqual([]);

    // Behind a proxy that lets no socket through, he is told by polling.
    await page.routeWebSocket(/\/api\/v1\/live/, (socket) => socket.close());
    await page.goto(`http://127.0.0.1:${port}/#/accounts/alice`);
    await page.reload();
    expect(await until("a figure is polled", async () => (await usedOn(page)) || undefined)).toBeGreaterThan(
      MIB,
    );

    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    // A browser tells of each 401 by itself: before he signed in, at the wrong password, and after he left.
    expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
  },
);

async function signIn(page: Page, password: string): Promise<void> {
  await page.getByLabel("Name").fill("olga");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Bytes of the period, as the page has them. */
async function usedOn(page: Page): Promise<number> {
  return Number(await page.locator("[data-bytes]").first().getAttribute("data-bytes"));
}

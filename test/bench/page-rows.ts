/**
 * The rows on what the page costs a browser: the built page in Chromium, before
 * a server with 10,000 made-up accounts of whom 500 change each second.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import { openBrowser, openPage } from "../support/browser.ts";
import { startPageServer } from "./page-server.ts";
import { percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const ACCOUNTS = 10_000;
const MOVING = 500;
const MOST_FIRST_LOAD = 150 * 1024;
const MOST_READY_MS = 1_000;
const MOST_FILTER_MS = 50;
const MOST_HEAP = 80 * 1024 ** 2;
/** What is typed into the search field, a letter at a time. */
const TYPED = "user0123";
/** Deltas come for so long before the heap is looked at. */
const WATCHED_MS = 20_000;

/** @param runs of each measurement but the heap's. */
export async function* pageRows(runs: number): AsyncGenerator<Row> {
  await using server = await startPageServer(ACCOUNTS, MOVING);
  await using browser = await openBrowser();
  const ready: number[] = [];
  for (let run = 0; run < runs; run++) {
    await using opened = await openPage(browser, server.url);
    await opened.page.locator(".tiles").first().waitFor();
    ready.push(Number(await opened.page.evaluate("performance.now()")));
  }
  const slowest = Math.max(...ready);
  const firstLoad = server.sentFiles() / runs;
  yield {
    what: "page: first load, over the wire",
    ratio: "",
    figures: `${number(firstLoad / 1024, 1)} KB of document, scripts and styles`,
    target: { text: "<= 150 KB", met: firstLoad <= MOST_FIRST_LOAD },
  };
  yield {
    what: "page: from the address to figures, no cache",
    ratio: "",
    figures: `slowest of ${runs}: ${number(slowest)} ms`,
    target: { text: "<= 1 s", met: slowest <= MOST_READY_MS },
  };

  await using opened = await openPage(browser, `${server.url}#/accounts`);
  const { page } = opened;
  await page.locator("tbody tr:not(.spacer)").first().waitFor();
  const spans = await filterSpans(page, runs);
  const p99 = percentile(spans, 99);
  yield {
    what: `page: list of ${number(ACCOUNTS)} filtered, from the letter to the rows`,
    ratio: "",
    figures: `p50 ${number(percentile(spans, 50), 1)} ms, p99 ${number(p99, 1)} ms of ${spans.length} letters`,
    target: { text: "<= 50 ms", met: p99 <= MOST_FILTER_MS },
  };
  await delay(WATCHED_MS);
  const heap = await heapAfterCollection(page);
  yield {
    what: `page: heap after collection, ${number(ACCOUNTS)} accounts watched for ${WATCHED_MS / 1_000} s`,
    ratio: "",
    figures: `${number(heap / 1024 ** 2, 1)} MB`,
    target: { text: "<= 80 MB", met: heap <= MOST_HEAP },
  };
}

/** Script and layout of each letter: the event is handled, and the rows are as they will be painted. */
async function filterSpans(page: Page, runs: number): Promise<number[]> {
  return page.evaluate(`(${TYPING})(${JSON.stringify(TYPED)}, ${runs})`);
}

/** Runs in the browser, whose types are not these files'. */
const TYPING = `async (typed, runs) => {
  const field = document.querySelector("main input[type=search]");
  const texts = [...Array.from(typed, (_, at) => typed.slice(0, at + 1)), ""];
  const spans = [];
  for (const text of Array.from({ length: runs }, () => texts).flat()) {
    const began = performance.now();
    const drawn = new Promise((resolve) => {
      const watch = new MutationObserver(() => { watch.disconnect(); resolve(); });
      watch.observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
    });
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await drawn;
    document.body.getBoundingClientRect();
    spans.push(performance.now() - began);
  }
  return spans;
}`;

async function heapAfterCollection(page: Page): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.enable");
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return usedSize;
}

/** Chromium on a page of ours: what it complains of is kept, and axe can be asked what others could not use. */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { commandPath } from "./requirements.ts";

export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors and warnings of the console, thrown errors, and requests to other hosts than the page's. */
  readonly complaints: readonly string[];
}

/** For test reports: CI keeps the folder. */
const OUTPUT = process.env["CI_OUTPUT"] ?? join(import.meta.dirname, "../.output");
const WIDTHS = [360, 1280, 2560] as const;

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: commandPath("chromium") ?? "chromium",
    args: ["--no-sandbox", "--enable-precise-memory-info"],
  });
}

/** @param url where it begins; requests to other hosts are told of. */
export async function openPage(browser: Browser, url: string): Promise<BrowserPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(url).host) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** What axe finds wrong, one line each. Evaluated by the debugger, so the page's policy may stay as strict as it is. */
export async function accessFaults(page: Page): Promise<readonly string[]> {
  const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(`if (!window.axe) { ${source} }`);
  const found = (await page.evaluate("axe.run()")) as {
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  };
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** After a change of the window. */
const MOST_FRAMES = 3;

/** Pictures of what is shown, at each width; @returns those at which the page is wider than the window. */
export async function pictures(page: Page, name: string): Promise<readonly number[]> {
  await mkdir(OUTPUT, { recursive: true });
  const tooWide: number[] = [];
  await page.evaluate("scrollTo(0, 0)");
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width === 360 ? 740 : Math.round((width * 9) / 16) });
    // Charts learn of a new width with a frame, and a browser that nobody looks at may draw none but for a picture.
    let over = 1;
    for (let looks = 0; looks < MOST_FRAMES && over > 0; looks += 1) {
      await page.screenshot({ path: join(OUTPUT, `${name}-${width}.png`) });
      over = Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth"));
    }
    if (over > 0) tooWide.push(width);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  return tooWide;
}

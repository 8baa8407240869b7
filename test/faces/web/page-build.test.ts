/** The page as it is built: small, and with nothing that its policy forbids. */
import { mkdtempDisposable, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const CONFIG = fileURLToPath(new URL("../../../vite.config.ts", import.meta.url));
const FIRST_LOAD = 150 * 1024;

describe("the built page", () => {
  let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
  let files: string[];
  const text = (file: string): Promise<string> => readFile(join(folder.path, file), "utf8");

  beforeAll(async () => {
    folder = await mkdtempDisposable(join(tmpdir(), "sluice-page-"));
    await build({ configFile: CONFIG, logLevel: "warn", build: { outDir: folder.path } });
    files = await readdir(folder.path, { recursive: true });
  });
  afterAll(() => folder.remove());

  test("is at most 150 KB over the wire, all pages together", async () => {
    const sizes = await Promise.all(
      files
        .filter((file) => file.endsWith(".br"))
        .map(async (file) => (await stat(join(folder.path, file))).size),
    );
    expect(sizes.length).toBeGreaterThan(8);
    expect(sizes.reduce((all, one) => all + one)).toBeLessThanOrEqual(FIRST_LOAD);
  });

  test("has every file compressed beside itself, whole", async () => {
    const plain = files.filter((file) => /\.(?:html|js|css|svg)$/.test(file));
    expect(plain).toContain("index.html");
    for (const file of plain) {
      const content = await text(file);
      expect(brotliDecompressSync(await readFile(join(folder.path, `${file}.br`))).toString()).toBe(content);
      expect(gunzipSync(await readFile(join(folder.path, `${file}.gz`))).toString()).toBe(content);
    }
  });

  test("has no script, style or handler inline", async () => {
    const html = await text("index.html");
    expect(html).toMatch(/<script type="module"[^>]* src="\.\/assets\/[^"]+"><\/script>/);
    expect(html.match(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:/g)).toBeNull();
  });

  test("asks no other host", async () => {
    const hosts = new Set<string>();
    for (const file of files.filter((one) => /\.(?:html|js|css|svg)$/.test(one))) {
      for (const [, host] of (await text(file)).matchAll(/(?:https?|wss?):\/\/([a-z0-9.-]+)/gi))
        hosts.add(host ?? "");
    }
    // Names of XML, and the link that Natural Earth's and DB-IP's attribution is: nothing of them is loaded.
    const links = ["www.w3.org", "db-ip.com", "www.naturalearthdata.com"];
    expect([...hosts].filter((host) => !links.includes(host))).toEqual([]);
  });

  test("says nothing of the sources' folders", async () => {
    for (const file of files.filter((one) => /\.(?:html|js|css)$/.test(one))) {
      expect(await text(file)).not.toMatch(/sourceMappingURL|node_modules/);
    }
  });
});

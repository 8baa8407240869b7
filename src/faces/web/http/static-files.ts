/**
 * The built page, read at the start into a table of paths: what is not in the table
 * is not there, and no path of a request ever reaches the disk.
 *
 * Files are named by their content, but for index.html: they never change, and it is
 * asked for anew each time. The build has put a .br and a .gz beside what shrinks.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import type { Context } from "hono";
import { unlessMissing } from "../../../errors.ts";

type Encoding = "br" | "gzip";

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly cache: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly encoded: ReadonlyMap<Encoding, Uint8Array<ArrayBuffer>>;
}

/** By path: "/assets/main-1a2b3c.js". */
export type Page = ReadonlyMap<string, PageFile>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};
const ENCODINGS: Readonly<Record<string, Encoding>> = { ".br": "br", ".gz": "gzip" };
const INDEX = "/index.html";
/** Vite's folder for what is named by its content. */
const HASHED = /^\/assets\//;

/** @returns an empty table where the page was not built. */
export async function readPage(folder: string): Promise<Page> {
  const entries = await unlessMissing(readdir(folder, { recursive: true, withFileTypes: true }));
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of entries ?? []) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) contents.set(`/${relative(folder, path)}`, await readFile(path));
  }
  const page = new Map<string, PageFile>();
  for (const [path, plain] of contents) {
    const type = TYPES[extname(path)];
    if (type === undefined) continue; // one of the encodings, or a source map
    const encoded = new Map<Encoding, Uint8Array<ArrayBuffer>>();
    for (const [suffix, encoding] of Object.entries(ENCODINGS)) {
      const content = contents.get(path + suffix);
      if (content) encoded.set(encoding, content);
    }
    const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
    const cache = HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
    page.set(path, { type, etag, cache, plain, encoded });
  }
  return page;
}

/** The file of that path, or undefined if there is none. */
export function answerFile(context: Context, page: Page, path: string): Response | undefined {
  const file = page.get(path);
  if (!file) return undefined;
  const headers = { etag: file.etag, "cache-control": file.cache, vary: "Accept-Encoding" };
  const known = context.req.header("if-none-match");
  if (known?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === file.etag))
    return context.body(null, 304, headers);
  const encoding = encodingFor(context.req.header("accept-encoding"), file.encoded);
  const body = (encoding && file.encoded.get(encoding)) ?? file.plain;
  return context.body(body, 200, {
    ...headers,
    "content-type": file.type,
    "content-length": String(body.length),
    ...(encoding ? { "content-encoding": encoding } : {}),
  });
}

/**
 * The page's one document, at its one address: what it shows stands behind "#".
 * Who comes to another is sent there, by a relative way, since a proxy may have
 * put all of it below a prefix.
 */
export function answerPlace(context: Context, page: Page): Response {
  const { path } = context.req;
  if (path !== "/") return context.redirect("../".repeat(path.split("/").length - 2) || "./", 302);
  return (
    answerFile(context, page, INDEX) ??
    context.text("The page is not built: expected dist/page, which npm run build makes", 503)
  );
}

/** The smaller first. "q=0" is a refusal. */
function encodingFor(
  accepted: string | undefined,
  there: ReadonlyMap<Encoding, unknown>,
): Encoding | undefined {
  const names = (accepted ?? "")
    .split(",")
    .filter((each) => !/;\s*q=0(\.0*)?\s*$/.test(each))
    .map((each) => each.split(";")[0]?.trim());
  return (["br", "gzip"] as const).find((encoding) => there.has(encoding) && names.includes(encoding));
}

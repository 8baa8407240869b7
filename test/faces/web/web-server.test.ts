/** Where the server listens, what it serves of the page, what stands in every answer, how certificates change. */
import { copyFile, mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { listenFault } from "../../../src/faces/web/http/listen-address.ts";
import { readPage } from "../../../src/faces/web/http/static-files.ts";
import { needs, type WebEnv } from "../../../src/faces/web/viewer.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { needs as needsProgram } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { cookieOf, openTestWeb } from "../../support/web-face.ts";

const SCRIPT = `console.log(${JSON.stringify("x".repeat(200))});`;

async function builtPage(folder: string) {
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(folder, "index.html"), "<!doctype html><title>Sluice</title>");
  await writeFile(join(folder, "assets/main-1a2b3c.js"), SCRIPT);
  await writeFile(join(folder, "assets/main-1a2b3c.js.br"), brotliCompressSync(SCRIPT));
  await writeFile(join(folder, "assets/main-1a2b3c.js.map"), "{}");
  return readPage(folder);
}

const routes = new Hono<WebEnv>();
routes.get("/api/v1/thing", needs("read"), (at) => at.json({ address: at.get("address") }));
routes.get("/api/v1/broken", () => {
  throw new Error("the secret inside");
});

describe("the page", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-page-"));
  const page = await builtPage(folder.path);

  test("comes from a table of what was built: files, places, and nothing else", async () => {
    await using web = await openTestWeb({ page, routes: [routes] });
    const ask = (path: string, headers: Record<string, string> = {}) =>
      fetch(web.origin + path, { headers: { "accept-encoding": "identity", ...headers } });
    const html = { accept: "text/html,*/*" };

    const script = await ask("/assets/main-1a2b3c.js");
    expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(await script.text()).toBe(SCRIPT);
    const small = await ask("/assets/main-1a2b3c.js", { "accept-encoding": "gzip, br" });
    expect(small.headers.get("content-encoding")).toBe("br");
    expect(small.headers.get("vary")).toBe("Accept-Encoding");
    expect(await small.text()).toBe(SCRIPT);
    const etag = script.headers.get("etag") ?? "";
    expect((await ask("/assets/main-1a2b3c.js", { "if-none-match": etag })).status).toBe(304);

    for (const place of ["/", "/accounts/joe@example.com", "/accounts/a%2Fb"]) {
      const document = await ask(place, html);
      expect([place, document.status, await document.text()]).toEqual([
        ...[place, 200, "<!doctype html><title>Sluice</title>"],
      ]);
      expect(document.headers.get("cache-control")).toBe("no-cache");
      // Its scripts are found from its one address, which may lie below a prefix.
      expect([place, document.url]).toEqual([place, `${web.origin}/`]);
    }
    for (const path of [
      "/assets/main-1a2b3c.js.map",
      "/assets/other.js",
      "/api/v1/none",
      "/api",
      "/favicon.ico",
    ]) {
      const told = await ask(path, path === "/favicon.ico" ? {} : html);
      expect([path, told.status, await told.json()]).toEqual([
        ...[path, 404, { error: { code: "not_found", message: "There is nothing at this path" } }],
      ]);
    }
  });

  test("and every answer says what a browser may do with it", async () => {
    await using web = await openTestWeb({ page, routes: [routes] });
    for (const path of [
      "/",
      "/assets/main-1a2b3c.js",
      "/api/v1/setup",
      "/api/v1/thing",
      "/api/v1/broken",
      "/%2e%2e",
    ]) {
      const { headers } = await fetch(web.origin + path);
      expect({ path, ...Object.fromEntries(headers) }).toMatchObject({
        path,
        "content-security-policy":
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "permissions-policy": expect.stringContaining("camera=()"),
        "cross-origin-opener-policy": "same-origin",
      });
      expect(headers.get("strict-transport-security")).toBeNull();
    }
  });

  test("that was not built is said", async () => {
    await using web = await openTestWeb({ page: await readPage(join(folder.path, "none")) });
    const told = await fetch(web.origin);
    expect([told.status, await told.text()]).toEqual([503, expect.stringContaining("npm run build")]);
  });
});

test("what fails inside is logged, and not said", async () => {
  await using web = await openTestWeb({ routes: [routes] });
  const told = await fetch(`${web.origin}/api/v1/broken`);
  expect([told.status, await told.text()]).toEqual([500, expect.not.stringContaining("secret")]);
  expect(web.logged).toEqual([expect.stringContaining("the secret inside")]);
});

describe("pages of web.cors_origins", () => {
  test("may read the API with a token, without a cookie, and others may not", async () => {
    const origin = "https://panel.example.com";
    await using web = await openTestWeb({ web: { cors_origins: [origin] }, routes: [routes] });
    const { token } = web.core.tokens.make({ name: "panel", scopes: ["read"] }, "root", web.clock.now);
    const ask = (from: string, init: RequestInit = {}) =>
      fetch(`${web.origin}/api/v1/thing`, {
        ...init,
        headers: { ...(init.headers as object), origin: from },
      });
    const preflight = { method: "OPTIONS", headers: { "access-control-request-method": "GET" } };
    const allowed = await ask(origin, preflight);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-headers")).toBe("Authorization, Content-Type");
    const read = await ask(origin, { headers: { authorization: `Bearer ${token}` } });
    expect(read.status).toBe(200);
    for (const { headers } of [allowed, read]) {
      expect(headers.get("access-control-allow-origin")).toBe(origin);
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.get("vary")).toContain("Origin");
    }
    for (const init of [preflight, { headers: { authorization: `Bearer ${token}` } }]) {
      const { headers } = await ask("https://evil.example", init);
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("behind a proxy", () => {
  test("the client is the last that no trusted proxy wrote, and a stranger's word is nothing", async () => {
    await using web = await openTestWeb({
      web: { trusted_proxies: ["127.0.0.1", "10.0.0.0/8"] },
      routes: [routes],
    });
    const cookie = cookieOf(web);
    const told = async (forwarded: string) => {
      const headers = { cookie, "x-forwarded-for": forwarded };
      return (await (await fetch(`${web.origin}/api/v1/thing`, { headers })).json()) as unknown;
    };
    expect(await told("6.6.6.6, 192.0.2.7, 10.1.2.3")).toEqual({ address: "192.0.2.7" });
    expect(await told("[2001:db8::7]:4711")).toEqual({ address: "2001:db8::7" });
    expect(await told("::ffff:192.0.2.8")).toEqual({ address: "192.0.2.8" });
    expect(await told("unknown")).toEqual({ address: "127.0.0.1" });
    await using alone = await openTestWeb({ routes: [routes] });
    const headers = { cookie: cookieOf(alone), "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https" };
    const answer = await fetch(`${alone.origin}/api/v1/thing`, { headers });
    expect(await answer.json()).toEqual({ address: "127.0.0.1" });
    expect(answer.headers.get("strict-transport-security")).toBeNull();
  });

  test("on a public address nobody comes past it without TLS", async () => {
    const web = { listen: "0.0.0.0:8787", trusted_proxies: ["192.0.2.1"] };
    await using opened = await openTestWeb({ web });
    expect((await fetch(`${opened.origin}/api/v1/setup`)).status).toBe(403);
    expect(opened.core.refusals.counts.get("no_proxy")).toBe(1);
  });
});

test.for([
  { listen: { host: "127.0.0.1", port: 1 }, wants: undefined },
  { listen: { host: "127.8.9.10", port: 1 }, wants: undefined },
  { listen: { host: "::1", port: 1 }, wants: undefined },
  { listen: { host: "localhost", port: 1 }, wants: undefined },
  { listen: { host: "0.0.0.0", port: 8787 }, wants: "ssh -L 8787:127.0.0.1:8787" },
  { listen: { host: "::", port: 8787 }, wants: "[::]:8787" },
  { listen: { host: "192.0.2.1", port: 8787 }, wants: "sluice web cert" },
  { listen: { host: "127.0.0.1.example.com", port: 8787 }, wants: "web.trusted_proxies" },
])("listenFault() of $listen.host", ({ listen, wants }) => {
  const fault = listenFault({ listen, tls: null, trustedProxies: [] });
  if (wants === undefined) expect(fault).toBeUndefined();
  else expect(fault).toContain(wants);
});

test("a public address without TLS does not start", async () => {
  await expect(openTestWeb({ web: { listen: "0.0.0.0:8787" } })).rejects.toThrow(
    /Cannot serve the dashboard at 0\.0\.0\.0/,
  );
});

const noOpenssl = needsProgram("openssl");

describe.skipIf(noOpenssl)(`with a certificate${noOpenssl}`, () => {
  test("takes a new one while it runs, and keeps the old one when the new cannot be used", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-tls-"));
    const first = await makeCertificate(folder.path, "first.test");
    const second = await makeCertificate(folder.path, "second.test");
    const [cert, key] = [join(folder.path, "web.pem"), join(folder.path, "web.key")];
    await copyFile(first.certificatePath, cert);
    await copyFile(first.keyPath, key);
    await using web = await openTestWeb({
      web: { listen: "0.0.0.0:8787", tls: { cert, key } },
      bounds: { headers: 1_000, request: 1_000, check: 1_000, certificate: 10 },
    });
    const shown = await subjectOf(web.port);
    expect(shown.subject).toBe("first.test");
    expect(shown.transport).toMatch(/^max-age=/);
    await writeFile(cert, ""); // as it is while it is written
    await until("the empty one is refused", () => web.logged.length > 0);
    expect((await subjectOf(web.port)).subject).toBe("first.test");
    await copyFile(second.keyPath, key); // half of the change
    await until("the half is refused", () => web.logged.some((line) => /old one stays/.test(line)));
    expect((await subjectOf(web.port)).subject).toBe("first.test");
    await copyFile(second.certificatePath, cert);
    await until("the whole is taken", () => web.logged.some((line) => /took a new certificate/.test(line)));
    expect((await subjectOf(web.port)).subject).toBe("second.test");
  });

  test("that is not there does not start", async () => {
    const web = { tls: { cert: "/nowhere/web.pem", key: "/nowhere/web.key" } };
    await expect(openTestWeb({ web })).rejects.toThrow(/ENOENT/);
  });
});

/** Whose certificate the server shows, and what it says of TLS. */
function subjectOf(port: number): Promise<{ subject: string; transport: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, path: "/api/v1/setup", agent: false, rejectUnauthorized: false },
      (response) => {
        const { subject } = (response.socket as import("node:tls").TLSSocket).getPeerCertificate();
        response.resume();
        resolve({
          subject: String(subject.CN),
          transport: String(response.headers["strict-transport-security"]),
        });
      },
    );
    asking.on("error", reject);
    asking.end();
  });
}

/** The snippets in docs/proxies before a real dashboard: TLS in front, who asks believed, the live socket passed on. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { parse } from "yaml";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { openTestWeb, PASSWORD } from "../support/web-face.ts";

const HOST = "panel.example.com";
const FORGED = "203.0.113.9";
const snippet = (name: string) => readFileSync(join(import.meta.dirname, "../../docs/proxies", name), "utf8");

interface Place {
  readonly folder: string;
  readonly web: number;
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

/** How each is made to listen at a port of the test's, with a certificate of the test's; the rest is the snippet's. */
const PROXIES: Readonly<Record<string, (place: Place) => Promise<ChildProcess>>> = {
  nginx: async ({ folder, web, port, cert, key }) => {
    const server = snippet("nginx.conf")
      .replace("listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`)
      .replace(/listen \[::\].*/, "")
      .replace(/\/etc\/letsencrypt\/\S+fullchain.pem/, cert)
      .replace(/\/etc\/letsencrypt\/\S+privkey.pem/, key)
      .replace("127.0.0.1:8787", `127.0.0.1:${web}`);
    const config = `daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${server} }`;
    await writeFile(join(folder, "nginx.conf"), config);
    return spawn("nginx", ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")], {
      stdio: "ignore",
    });
  },
  caddy: async ({ folder, web, port, cert, key }) => {
    const site = snippet("Caddyfile")
      .replace(`${HOST} {`, `https://${HOST}:${port} {\n\tbind 127.0.0.1\n\ttls ${cert} ${key}`)
      .replace("127.0.0.1:8787", `127.0.0.1:${web}`);
    await writeFile(join(folder, "Caddyfile"), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
    const words = ["run", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")];
    return spawn("caddy", words, { stdio: "ignore", env: { ...process.env, HOME: folder } });
  },
};

describe.each(Object.keys(PROXIES))("the snippet for %s", (name) => {
  const missing = needs(name, "openssl");

  test.skipIf(missing)(`lets a browser in by TLS, and nobody else's word on who asks${missing}`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-proxy-"));
    await chmod(folder.path, 0o755);
    await mkdir(join(folder.path, "logs"));
    await using web = await openTestWeb({
      web: { trusted_proxies: ["127.0.0.1", "::1"] },
      attach: (socket) => socket.send("hello"),
    });
    const [cert, key] = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")];
    await promisify(execFile)("openssl", [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
      ],
      ...["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`, "-keyout", key, "-out", cert],
    ]);
    const place = { folder: folder.path, web: web.port, port: await freePort(), cert, key };
    await using proxy = running(await PROXIES[name]?.(place));
    const authority = { port: place.port, ca: readFileSync(cert) };
    await until(
      "the proxy answers",
      () =>
        proxy.alive() &&
        get("/api/v1/setup", authority).then(
          ({ status }) => status === 200,
          () => false,
        ),
    );

    const origin = `https://${HOST}:${place.port}`;
    const body = JSON.stringify({ username: "root", password: PASSWORD });
    const signed = await get("/api/v1/session", {
      ...{ ...authority, method: "POST", body },
      headers: { origin, "content-type": "application/json", "x-forwarded-for": FORGED },
    });
    expect(signed).toMatchObject({ status: 200, cookie: expect.stringMatching(/^__Host-sluice=.*; Secure/) });
    const cookie = signed.cookie.split(";")[0] ?? "";
    expect(await get("/api/v1/session", { ...authority, headers: { cookie } })).toMatchObject({
      status: 200,
    });

    const live = new WebSocket(`wss://127.0.0.1:${place.port}/api/v1/live`, {
      ...{ ca: authority.ca, servername: HOST, headers: { cookie, origin, host: `${HOST}:${place.port}` } },
    });
    const [message] = (await once(live, "message")) as [Buffer];
    expect(message.toString()).toBe("hello");
    live.terminate();

    await web.core.trail.flush();
    const told = web.audited.find(({ kind }) => kind === "web-signed-in");
    expect(told).toMatchObject({ actor: "root", address: "127.0.0.1" });
  });
});

test("the snippet for Traefik keeps the host, and names the dashboard's address", () => {
  const { http } = parse(snippet("traefik.yaml")) as { http: Record<string, Record<string, object>> };
  expect(http["routers"]?.["sluice"]).toMatchObject({ rule: `Host(\`${HOST}\`)`, service: "sluice" });
  expect(http["services"]?.["sluice"]).toEqual({
    loadBalancer: { passHostHeader: true, servers: [{ url: "http://127.0.0.1:8787" }] },
  });
});

interface Answer {
  readonly status: number;
  readonly cookie: string;
}

/** By the name in the certificate, whatever the address. */
function get(path: string, options: RequestOptions & { readonly body?: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${HOST}:${options.port}`, ...(options.headers as Record<string, string>) };
    const asked = request({ host: "127.0.0.1", servername: HOST, path, ...options, headers }, (answer) => {
      answer
        .resume()
        .on("end", () =>
          resolve({ status: answer.statusCode ?? 0, cookie: answer.headers["set-cookie"]?.[0] ?? "" }),
        );
    });
    asked.on("error", reject).end(options.body);
  });
}

function running(child: ChildProcess | undefined) {
  if (!child) throw new Error("Cannot test a proxy that is not known");
  const ended = once(child, "exit");
  return {
    alive: () => child.exitCode === null,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

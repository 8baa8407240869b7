/** The hellos of real clients, whole, in small pieces, and longer than a packet. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { killIfThere, type Namespace } from "../support/namespaces.ts";
import { CLIENT, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { CAPTURE_NEEDS, type CaptureStage, openCaptureStage, pitch } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx", "openssl");
const noBrowser = needs("chromium");
const FIXTURES = join(import.meta.dirname, "../fixtures/hosts");
const LONGEST_BROWSER_START_MS = 25_000;

describe.skipIf(missing)(`a capture of hellos${missing}`, () => {
  test("knows those of openssl, in three short segments, and over two packets", async () => {
    await using stage = await openTlsStage();
    const { client, log } = stage;
    await client.run("openssl", [
      ...["s_client", "-connect", `${SERVER}:443`, "-servername", "www.openssl.example"],
    ]);
    expect(await log.line("www.openssl.example")).toMatchObject({ service: "SNI", source: CLIENT });

    const hello = await readFile(join(FIXTURES, "chromium-tls-client-hello.bin"));
    const pieces = [hello.subarray(0, 3), hello.subarray(3, 900), hello.subarray(900)];
    await pitch(client, { address: SERVER, port: 443 }, pieces);
    expect(await log.line("www.example.com")).toMatchObject({ service: "SNI", source: CLIENT });

    // One segment a packet, as on a card that does not cut them itself.
    await client.run("ip", ["link", "set", "dev", "server", "gso_max_segs", "1"]);
    await client.run(process.execPath, ["-e", NODE_CLIENT]);
    expect(await log.line("www.node.example")).toMatchObject({ service: "SNI", source: CLIENT });
  });

  test.skipIf(noBrowser)(
    `knows Chromium's over TCP and over QUIC${noBrowser}`,
    { timeout: 60_000 },
    async () => {
      await using stage = await openTlsStage();
      await listen(stage.server);
      await using _plain = await browse(stage.client, "www.browser.example", []);
      await using _quic = await browse(stage.client, "www.quic.example", [
        "--origin-to-force-quic-on=www.quic.example:443",
      ]);
      const tcp = await stage.log.line("www.browser.example", LONGEST_BROWSER_START_MS);
      expect(tcp).toMatchObject({ service: "SNI", source: CLIENT });
      const quic = await stage.log.line("www.quic.example", LONGEST_BROWSER_START_MS);
      expect(quic).toMatchObject({ service: "QUIC", source: CLIENT });
    },
  );
});

/** Its hello has a key of 1,184 bytes for ML-KEM. */
const NODE_CLIENT = `
  const options = { host: "${SERVER}", port: 443, servername: "www.node.example", rejectUnauthorized: false };
  const socket = require("node:tls").connect(options, () => socket.end());
`;

async function openTlsStage(): Promise<CaptureStage> {
  const stage = await openCaptureStage();
  const { certificatePath, keyPath } = await makeCertificate(stage.folder);
  const tls = `ssl_certificate ${certificatePath}; ssl_certificate_key ${keyPath};`;
  await stage.serve("server", `server { listen 443 ssl; ${tls} return 200 "here\\n"; }`, [443]);
  await stage.start();
  return stage;
}

/** On the port for QUIC, without an answer: refused, a client says no second word. */
async function listen(server: Namespace): Promise<void> {
  const program = `require("node:dgram").createSocket("udp4").bind(443, () => console.log("bound"))`;
  const child = server.spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as Readable, "data");
}

/** Opens a page that never comes to an end; all of the browser ends with it. */
async function browse(from: Namespace, host: string, flags: readonly string[]): Promise<AsyncDisposable> {
  const profile = await mkdtemp(join(tmpdir(), "sluice-chromium-"));
  const browser = from.spawn(
    "chromium",
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", ...flags],
      ...[`--user-data-dir=${profile}`, `--host-resolver-rules=MAP ${host} ${SERVER}`, `https://${host}/`],
    ],
    { stdio: "ignore", detached: true },
  );
  await once(browser, "spawn");
  const gone = once(browser, "exit");
  return {
    [Symbol.asyncDispose]: async () => {
      killIfThere(-(browser.pid as number));
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/**
 * Records what Chromium says first to www.example.com, over QUIC and over TLS, into test/fixtures/hosts/.
 *
 *   node test/support/record-chromium.ts quic > test/fixtures/hosts/chromium-quic.hex
 *   node test/support/record-chromium.ts tls  > test/fixtures/hosts/chromium-tls-client-hello.bin
 *
 * Nobody answers: the name is mapped to a port of the loopback that only listens.
 * Run by hand, when a new Chromium is to be met.
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HOST = "www.example.com";

const [, , what] = process.argv;
if (what !== "quic" && what !== "tls") throw new RangeError(`Cannot record "${what}": known are quic, tls`);
process.stdout.write(await (what === "quic" ? recordQuic() : recordTls()));

/** A datagram per line, up to the first one that says again what an unanswered one said. */
async function recordQuic(): Promise<string> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const datagrams: Buffer[] = [];
  const quiet = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  socket.on("message", (datagram: Buffer) => {
    datagrams.push(datagram);
    timer ??= setTimeout(() => quiet.resolve(), 100);
  });
  await whileBrowsing(socket.address().port, ["--origin-to-force-quic-on"], quiet.promise);
  socket.close();
  return datagrams.map((datagram) => `${datagram.toString("hex")}\n`).join("");
}

/** The first record of the first connection, whole. */
async function recordTls(): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const hello = Promise.withResolvers<Buffer>();
  server.on("connection", (socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("data", (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      const length = 5 + (bytes.length >= 5 ? bytes.readUInt16BE(3) : 0);
      if (bytes.length >= 5 && bytes.length >= length) hello.resolve(bytes.subarray(0, length));
    });
    socket.on("error", () => {});
  });
  await whileBrowsing((server.address() as AddressInfo).port, [], hello.promise);
  server.close();
  return hello.promise;
}

async function whileBrowsing(
  port: number,
  flagsOfOrigin: readonly string[],
  done: Promise<unknown>,
): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "record-chromium-"));
  const browser = spawn(
    "chromium",
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`],
      ...flagsOfOrigin.map((flag) => `${flag}=${HOST}:${port}`),
      `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
      `https://${HOST}:${port}/`,
    ],
    { stdio: "ignore", detached: true },
  );
  await done;
  process.kill(-(browser.pid as number), "SIGKILL");
  await once(browser, "exit");
  await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

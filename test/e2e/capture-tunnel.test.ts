/** Clients behind a tunnel's device, forwarded by the server under its own address: OpenVPN's way. */
import { describe, expect, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import type { Namespace } from "../support/namespaces.ts";
import { FAR, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { CAPTURE_NEEDS, type CaptureStage, openCaptureStage } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx", "curl", "openssl", "nft", "socat");
const [GATEWAY, INSIDE] = ["10.8.0.1", "10.8.0.2"];
const PORT = 1194;

describe.skipIf(missing)(`a capture of a tunnel${missing}`, () => {
  test("lists what comes out of it once, with the client's address inside", async () => {
    await using stage = await openCaptureStage();
    const { certificatePath, keyPath } = await makeCertificate(stage.folder);
    const tls = `ssl_certificate ${certificatePath}; ssl_certificate_key ${keyPath};`;
    await stage.serve("far", `server { listen 80; listen 443 ssl; ${tls} return 200 "here\\n"; }`, [80, 443]);
    await openTunnel(stage);
    await stage.start();
    const fetch = (url: string) => stage.client.run("curl", ["-sSk", "--connect-to", `::${FAR}:`, url]);
    expect(await fetch("https://www.tunnel.example/")).toBe("here\n");
    expect(await fetch("http://plain.tunnel.example/")).toBe("here\n");
    for (const host of ["www.tunnel.example", "plain.tunnel.example"]) {
      expect(await stage.log.line(host)).toMatchObject({ service: "OPENVPN", source: INSIDE });
    }
    expect(await stage.log.lines()).toHaveLength(2);
    const { stdout } = await stage.sluice.run("hosts", "list", "--json");
    const rows = JSON.parse(stdout) as { count: number; services: readonly string[] }[];
    expect(rows.map(({ count, services }) => [count, services])).toEqual([
      [1, ["OPENVPN"]],
      [1, ["OPENVPN"]],
    ]);
  });
});

/** A tunnel without a cipher: packets of a device in UDP. Everything for the far host goes through it. */
async function openTunnel({ client, server }: CaptureStage): Promise<void> {
  const device = (address: string) => `TUN:${address}/24,tun-name=tun0,iff-no-pi,iff-up`;
  await server.run("sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  const chain = "type nat hook postrouting priority srcnat; oifname far masquerade";
  await server.run("nft", [`table ip tunnel {\nchain out {\n${chain}\n}\n}`]);
  server.spawn("socat", [`UDP-LISTEN:${PORT}`, device(GATEWAY)], { stdio: "ignore" });
  await until("the tunnel's server listens", () => listensOn(server, PORT));
  client.spawn("socat", [`UDP:${SERVER}:${PORT}`, device(INSIDE)], { stdio: "ignore" });
  await until("the client has the device", () => hasDevice(client));
  await client.run("ip", ["route", "add", FAR, "dev", "tun0"]);
  // Its first packet makes the other end.
  await until("the server has the device", async () => {
    await client.run("sh", ["-c", `curl -s -m 0.2 http://${GATEWAY}/ || true`]);
    return hasDevice(server);
  });
}

async function hasDevice(where: Namespace): Promise<boolean> {
  return (await where.run("ip", ["-o", "link", "show"])).includes(" tun0:");
}

async function listensOn(where: Namespace, port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return (await where.run("cat", ["/proc/net/udp"])).includes(`:${hex} `);
}

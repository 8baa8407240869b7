/** What an nginx that ends TLS shows: the name outside, and what it asks of the server behind it. */
import { describe, expect, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { CLIENT, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { CAPTURE_NEEDS, openCaptureStage } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx", "curl", "openssl");

describe.skipIf(missing)(`a capture beside nginx${missing}`, () => {
  test("lists the name of the ClientHello with its client, and what goes on behind, each once", async () => {
    await using stage = await openCaptureStage();
    const { certificatePath, keyPath } = await makeCertificate(stage.folder);
    const tls = `ssl_certificate ${certificatePath}; ssl_certificate_key ${keyPath};`;
    await stage.serve(
      "server",
      `
      server { listen 443 ssl http2; ${tls}
        location / { proxy_pass http://127.0.0.1:8080; proxy_set_header Host behind-$host;
          proxy_set_header X-Forwarded-Host $host; }
        location /grpc { grpc_pass grpc://127.0.0.1:8081; grpc_set_header Host grpc-$host; }
      }
      server { listen 127.0.0.1:8080; return 200 "here\\n"; }
      server { listen 127.0.0.1:8081 http2; return 200 "here\\n"; }`,
      [443, 8080, 8081],
    );
    await stage.start();
    const fetch = (url: string) => stage.client.run("curl", ["-sSk", "--connect-to", `::${SERVER}:443`, url]);

    expect(await fetch("https://www.front.example/")).toBe("here\n");
    const first = await stage.log.line("www.front.example");
    expect(first).toMatchObject({ service: "SNI", source: CLIENT });
    expect(await stage.log.line("behind-www.front.example")).toMatchObject({ service: "Header-Host" });

    await fetch("https://www.front.example/");
    expect(await fetch("https://WWW.second.example./grpc")).toBe("here\n");
    expect(await stage.log.line("grpc-www.second.example")).toMatchObject({ service: "Header-Host" });
    const hosts = (await stage.log.lines()).map(({ host }) => host);
    expect(hosts.toSorted()).toEqual([
      "behind-www.front.example",
      "grpc-www.second.example",
      "www.front.example",
      "www.second.example",
    ]);
  });
});

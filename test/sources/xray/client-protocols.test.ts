import { expect, test } from "vitest";
import { protocolsByUser } from "../../../src/sources/xray/client-protocols.ts";
import { readEngineConfig } from "../../../src/sources/xray/engine-config.ts";

test("protocolsByUser() names each protocol of a user once, in the file's order", () => {
  const config = readEngineConfig(
    JSON.stringify({
      inbounds: [
        { protocol: "VLESS", settings: { clients: [{ email: "joe", id: "1" }] } },
        { protocol: "trojan", settings: { clients: [{ email: "joe", password: "2" }] } },
        {
          protocol: "vless",
          settings: {
            clients: [
              { email: "joe", id: "1" },
              { email: "eve", id: "3" },
            ],
          },
        },
        { protocol: "dokodemo-door" },
      ],
    }),
  );
  expect(Object.fromEntries(protocolsByUser(config))).toEqual({ joe: ["vless", "trojan"], eve: ["vless"] });
  expect(protocolsByUser(undefined).size).toBe(0);
});

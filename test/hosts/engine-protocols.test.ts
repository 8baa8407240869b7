import { describe, expect, test } from "vitest";
import { EngineProtocols } from "../../src/hosts/engine-protocols.ts";

const protocols = new EngineProtocols([
  { tag: "in-1", protocol: "vless", users: ["joe", "amy", "joe"] },
  { tag: undefined, protocol: "trojan", users: ["amy", "zoe"] },
  { tag: "in-3", protocol: "vless", users: ["joe"] },
]);

describe("EngineProtocols.protocolOf()", () => {
  test.for([
    { tag: "in-1", user: undefined, protocol: "vless" },
    { tag: "in-1", user: "zoe", protocol: "vless" },
    { tag: undefined, user: "joe", protocol: "vless" },
    { tag: undefined, user: "zoe", protocol: "trojan" },
    { tag: undefined, user: "amy", protocol: undefined },
    { tag: "api", user: "zoe", protocol: "trojan" },
    { tag: "api", user: "nobody", protocol: undefined },
    { tag: undefined, user: undefined, protocol: undefined },
  ])("of $user by $tag is $protocol", ({ tag, user, protocol }) => {
    expect(protocols.protocolOf(tag, user)).toBe(protocol);
  });
});

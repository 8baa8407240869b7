import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accessSighting } from "../../../src/hosts/logs/access-sighting.ts";
import { parseAccessLine } from "../../../src/logs/access-log.ts";
import { unixTime } from "../../../src/units.ts";

const NOW = unixTime(1_800_000_000_000);
const TIME = "2026/11/21 14:03:07";
/** Tags as in the fixtures, "vless-in" for VLESS; where there is none, joe is a user of VMess. */
const TAGS = {
  apiTags: ["api"],
  protocolOf: (inbound: string | undefined, user: string | undefined) =>
    inbound?.replace(/-in$/, "") ?? (user === "joe" ? "vmess" : undefined),
};

const sightingOf = (text: string, tags = TAGS) => {
  const line = parseAccessLine(`${TIME} ${text}`);
  return line && accessSighting(line, tags, NOW);
};

describe("accessSighting()", () => {
  test.for([
    {
      text: "from 203.0.113.9:5 accepted tcp:a.org:443 [vmess-in -> direct]",
      want: "VMESS a.org 203.0.113.9",
    },
    {
      text: "from 203.0.113.9:0 accepted tcp:a.org:443 [vless-in >> direct]",
      want: "VLESS a.org 203.0.113.9",
    },
    { text: "from 127.0.0.1:5 accepted udp:a.org:443 [trojan-in >> direct]", want: "TROJAN a.org -" },
    {
      text: "from udp:[2001:DB8::9]:5 accepted udp:a.org:53 [shadowsocks-in >> direct]",
      want: "SHADOWSOCKS a.org 2001:db8::9",
    },
    { text: "from 203.0.113.9:5 accepted //a.org:443 [http-in >> direct]", want: "XRAY a.org 203.0.113.9" },
    { text: "203.0.113.9:5 accepted tcp:a.org:443 [direct] email: joe", want: "VMESS a.org 203.0.113.9" },
    { text: "203.0.113.9:5 accepted tcp:a.org:443 [direct] email: amy", want: "XRAY a.org 203.0.113.9" },
    {
      text: "203.0.113.9:5 accepted tcp:192.0.2.7:443 [direct] email: joe",
      want: "IP 192.0.2.7 203.0.113.9",
    },
    { text: "@ accepted tcp:[2001:db8::7]:443 [direct]", want: "IP 2001:db8::7 -" },
    { text: "from 203.0.*.*:5 accepted tcp:a.org:443 [vless-in -> blocked]", want: "VLESS a.org -" },
  ])("says $want of $text", ({ text, want }) => {
    const sighting = sightingOf(text);
    expect(sighting && `${sighting.service} ${sighting.host} ${sighting.source ?? "-"}`).toBe(want);
    expect(sighting?.at).toBe(NOW);
  });

  test("names the account of a line with a user, and none without", () => {
    expect(sightingOf("1.2.3.4:5 accepted tcp:a.org:443 [direct] email: joe x")?.account).toBe("joe x");
    expect(sightingOf("1.2.3.4:5 accepted tcp:a.org:443 [direct]")).not.toHaveProperty("account");
  });

  test("leaves out the API's lines by the outbound's tag, whatever its name", () => {
    const line = "from 127.0.0.1:5 accepted tcp:192.0.2.1:10085 [in -> control]";
    expect(sightingOf(line)).toBeDefined();
    expect(sightingOf(line, { ...TAGS, apiTags: ["control"] })).toBeUndefined();
    expect(sightingOf("127.0.0.1:5 accepted tcp:127.0.0.1:0 [api]")).toBeUndefined();
  });

  test("leaves out masked destinations", () => {
    expect(sightingOf("from 203.0.*.*:5 accepted tcp:192.0.*.*:443 [in -> out]")).toBeUndefined();
  });

  test.for([
    {
      file: "access-xray.log",
      want: { VLESS: 8, VMESS: 8, TROJAN: 4, SHADOWSOCKS: 4, XRAY: 7, IP: 22 },
    },
    // Without inbounds everybody is a user of VMess here.
    { file: "access-v2ray.log", want: { VMESS: 30, XRAY: 5, IP: 21 } },
  ])("counts the sightings of $file", ({ file, want }) => {
    const lines = readFileSync(join(import.meta.dirname, "../../fixtures/xray", file), "utf8").split("\n");
    const sightings = lines.flatMap((text) => {
      const line = parseAccessLine(text);
      return (line && accessSighting(line, TAGS, NOW)) ?? [];
    });
    const services = Object.entries(Object.groupBy(sightings, ({ service }) => service));
    expect(Object.fromEntries(services.map(([service, group]) => [service, group.length]))).toEqual(want);
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type AccessLine, parseAccessLine, tiesUser } from "../../src/logs/access-log.ts";

const TIME = "2026/11/21 14:03:07";

describe("parseAccessLine()", () => {
  test.for([
    {
      name: "V2Ray 4: no from, whole seconds, the outbound alone",
      line: `${TIME} 203.0.113.9:51234 accepted tcp:example.org:443 [direct] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 51234,
        network: "tcp",
        inbound: undefined,
        to: "tcp example.org 443",
        outbound: "direct",
      },
    },
    {
      name: "Xray: from, microseconds, a matched rule",
      line: `${TIME}.123456 from 203.0.113.9:51234 accepted tcp:example.org:443 [vless-ws -> direct] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 51234,
        network: "tcp",
        inbound: "vless-ws",
        to: "tcp example.org 443",
        outbound: "direct",
      },
    },
    {
      name: "Xray: the default outbound",
      line: `${TIME}.000001 from 203.0.113.9:1 accepted tcp:1.1.1.1:443 [in >> direct] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 1,
        network: "tcp",
        inbound: "in",
        to: "tcp 1.1.1.1 443",
        outbound: "direct",
      },
    },
    {
      name: "Xray: a forced outbound",
      line: `${TIME} from 203.0.113.9:65535 accepted tcp:1.1.1.1:443 [in ==> out] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 65535,
        network: "tcp",
        inbound: "in",
        to: "tcp 1.1.1.1 443",
        outbound: "out",
      },
    },
    {
      name: "an inbound tag with spaces",
      line: `${TIME} from 203.0.113.9:5 accepted tcp:1.1.1.1:443 [my in -> my out] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 5,
        network: "tcp",
        inbound: "my in",
        to: "tcp 1.1.1.1 443",
        outbound: "my out",
      },
    },
    {
      name: "mux and Trojan: the network in front of the address",
      line: `${TIME} from tcp:203.0.113.9:51234 accepted udp:8.8.8.8:53 [in -> out] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 51234,
        network: "tcp",
        inbound: "in",
        to: "udp 8.8.8.8 53",
        outbound: "out",
      },
    },
    {
      name: "Shadowsocks over UDP",
      line: `${TIME} from udp:203.0.113.9:51234 accepted udp:8.8.8.8:53 [in -> out] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 51234,
        network: "udp",
        inbound: "in",
        to: "udp 8.8.8.8 53",
        outbound: "out",
      },
    },
    {
      name: "Shadowsocks 2022: a bare target",
      line: `${TIME} from 203.0.113.9:51234 accepted example.org:443 [ss -> direct] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 51234,
        network: "tcp",
        inbound: "ss",
        to: "tcp example.org 443",
        outbound: "direct",
      },
    },
    {
      name: "IPv6 at both ends",
      line: `${TIME} from [2001:DB8::1]:443 accepted tcp:[2001:db8::2]:443 [in -> out] email: joe`,
      want: {
        user: "joe",
        address: "2001:db8::1",
        port: 443,
        network: "tcp",
        inbound: "in",
        to: "tcp 2001:db8::2 443",
        outbound: "out",
      },
    },
    {
      name: "an IPv4 address mapped into IPv6",
      line: `${TIME} from tcp:[::ffff:203.0.113.9]:7 accepted tcp:a:443 email: joe`,
      want: {
        user: "joe",
        address: "::ffff:203.0.113.9",
        port: 7,
        network: "tcp",
        inbound: undefined,
        to: "tcp a 443",
        outbound: undefined,
      },
    },
    {
      name: "port 0, where a proxy's header told the address",
      line: `${TIME} from 203.0.113.9:0 accepted tcp:example.org:443 [in -> out] email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 0,
        network: "tcp",
        inbound: "in",
        to: "tcp example.org 443",
        outbound: "out",
      },
    },
    {
      name: "no detour at all",
      line: `${TIME} 203.0.113.9:51234 accepted tcp:example.org:443 email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 51234,
        network: "tcp",
        inbound: undefined,
        to: "tcp example.org 443",
        outbound: undefined,
      },
    },
    {
      name: "a reason between detour and e-mail",
      line: `${TIME} from 203.0.113.9:5 accepted http://h/x [in -> out] because of that email: joe`,
      want: {
        user: "joe",
        address: "203.0.113.9",
        port: 5,
        network: "tcp",
        inbound: "in",
        to: "tcp h 80",
        outbound: "out",
      },
    },
    {
      name: "an e-mail with spaces, arrows and what looks like another",
      line: `${TIME} from 203.0.113.9:5 accepted tcp:a:1 [in -> out] email: joe >>> doe email: x [a -> b]`,
      want: {
        user: "joe >>> doe email: x [a -> b]",
        address: "203.0.113.9",
        port: 5,
        network: "tcp",
        inbound: "in",
        to: "tcp a 1",
        outbound: "out",
      },
    },
    {
      name: "an e-mail in another script",
      line: `${TIME} from 203.0.113.9:5 accepted tcp:a:1 [in -> out] email: é日本`,
      want: {
        user: "é日本",
        address: "203.0.113.9",
        port: 5,
        network: "tcp",
        inbound: "in",
        to: "tcp a 1",
        outbound: "out",
      },
    },
  ])("$name", ({ line, want: { address, port, ...want } }) => {
    const read = parseAccessLine(line);
    expect(read && shown(read)).toEqual({ ...want, client: { address, port } });
  });

  test.for([
    { name: "a URL of plain HTTP", to: "http://h.example.org/a/b?c=d", want: "tcp h.example.org 80" },
    { name: "a URL with a port", to: "http://h.example.org:8080/", want: "tcp h.example.org 8080" },
    { name: "a URL without a path", to: "http://h.example.org?x", want: "tcp h.example.org 80" },
    { name: "a URL with a password", to: "http://u:p@h.example.org/", want: "tcp h.example.org 80" },
    {
      name: "a URL with a host in its path",
      to: "http://h.example.org/@x.example.org",
      want: "tcp h.example.org 80",
    },
    { name: "a URL of HTTPS", to: "https://h.example.org/", want: "tcp h.example.org 443" },
    { name: "CONNECT", to: "//h.example.org:8443", want: "tcp h.example.org 8443" },
    { name: "CONNECT to IPv6", to: "//[2001:db8::9]:443", want: "tcp 2001:db8::9 443" },
    { name: "a name as the client wrote it", to: "tcp:Mixed.Example.ORG:1", want: "tcp Mixed.Example.ORG 1" },
    { name: "a port beyond 65535", to: "tcp:h.example.org:65536", want: undefined },
    { name: "no port", to: "tcp:h.example.org", want: undefined },
    { name: "a masked address", to: "tcp:1.2.*.*:443", want: undefined },
    { name: "an address masked whole", to: "tcp:[Masked IPv4]:443", want: undefined },
    { name: "a masked address in a URL", to: "http://[Masked IPv6]:80/", want: undefined },
    { name: "an IPv6 address masked to its prefix", to: "tcp:[2001:db8::/32]:443", want: undefined },
    { name: "IPv6 without brackets", to: "tcp:2001:db8::1:443", want: undefined },
    { name: "a path", to: "/etc/passwd", want: undefined },
  ])("reads $to as a destination: $name", ({ to, want }) => {
    const line = parseAccessLine(`${TIME} from 203.0.113.9:5 accepted ${to} [in -> out] email: joe`);
    expect(line && shown(line)).toMatchObject({ to: want, inbound: "in", outbound: "out", user: "joe" });
  });

  test.for([
    {
      name: "a rejected connection",
      line: `${TIME} from 203.0.113.9:5 rejected  proxy/vless/encoding: invalid request user id`,
    },
    {
      name: "a rejection that quotes another line",
      line: `${TIME} 203.0.113.9:5 rejected  x accepted y email: joe`,
    },
    { name: "the engine's own resolver", line: `${TIME} from DNS accepted udp:1.1.1.1:53 [dns -> direct]` },
    {
      name: "the resolver with an e-mail",
      line: `${TIME} from DNS accepted udp:1.1.1.1:53 [dns -> direct] email: joe`,
    },
    { name: "an answer in the DNS log", line: `${TIME} UDP:1.1.1.1:53 got answer: a.org. -> [1.2.3.4] 23ms` },
    { name: "a DNS cache hit", line: `${TIME} cache HIT: a.org. -> [1.2.3.4]` },
    { name: "the second half of a line", line: `0.113.9:5 accepted tcp:a:1 [in -> out] email: joe` },
    {
      name: "something in front of the time",
      line: `x ${TIME} from 203.0.113.9:5 accepted tcp:a:1 email: joe`,
    },
    { name: "an empty line", line: "" },
  ])("says nothing for $name", ({ line }) => {
    expect(parseAccessLine(line)).toBeUndefined();
  });

  test.for([
    { name: "no e-mail", line: `${TIME} from 203.0.113.9:5 accepted tcp:a:1 [in -> out]` },
    { name: "an empty e-mail", line: `${TIME} from 203.0.113.9:5 accepted tcp:a:1 [in -> out] email: ` },
    { name: "a unix socket's peer", line: `${TIME} from @ accepted tcp:a:1 [in -> out] email: joe` },
    { name: "an empty peer", line: `${TIME} from  accepted tcp:a:1 [in -> out] email: joe` },
    {
      name: "a quarter of the address masked",
      line: `${TIME} from 203.0.*.*:5 accepted tcp:a:1 [in -> out] email: joe`,
    },
    {
      name: "the whole address masked",
      line: `${TIME} from tcp:[Masked IPv4]:5 accepted tcp:a:1 [in -> out] email: joe`,
    },
    {
      name: "an IPv6 address masked",
      line: `${TIME} from [2001:db8::/32]:5 accepted tcp:a:1 [in -> out] email: joe`,
    },
    {
      name: "a port beyond 65535",
      line: `${TIME} from 203.0.113.9:65536 accepted tcp:a:1 [in -> out] email: joe`,
    },
  ])("knows the destination and ties no user to an address: $name", ({ line }) => {
    const read = parseAccessLine(line);
    expect(read && shown(read)).toMatchObject({ to: "tcp a 1", inbound: "in", outbound: "out" });
    expect(read && tiesUser(read)).toBe(false);
  });

  test("ties nobody for any line cut off before its e-mail", () => {
    const line = `${TIME}.123456 from 203.0.113.9:51234 accepted tcp:example.org:443 [in -> out] email: joe`;
    for (let length = 0; length <= line.length - "joe".length; length++) {
      const read = parseAccessLine(line.slice(0, length));
      expect(read !== undefined && tiesUser(read), `${length} characters`).toBe(false);
    }
  });

  test.for([
    { engine: "Xray", file: "access-xray.log", lines: 54, users: 46, tag: "vless-in" },
    { engine: "V2Ray", file: "access-v2ray.log", lines: 57, users: 49, tag: undefined },
  ])("reads every line that $engine wrote of a connection taken in", ({ file, lines, users, tag }) => {
    const read = linesOf(file).flatMap((line) => parseAccessLine(line) ?? []);
    expect(read).toHaveLength(lines);
    expect(read.filter(tiesUser)).toHaveLength(users);
    expect(read.filter(({ destination }) => destination === undefined)).toEqual([]);
    expect(read.filter(({ outbound }) => outbound === "api")).toHaveLength(1);
    expect(shown(read[1] as AccessLine)).toMatchObject({ to: "tcp www.example.org 80", inbound: tag });
    const hosts = new Set(read.flatMap(({ destination }) => destination?.host ?? []));
    expect([...hosts].sort()).toEqual(HOSTS);
  });

  test("reads names, and no addresses, of what Xray wrote with masked addresses", () => {
    const read = linesOf("access-masked.log").flatMap((line) => parseAccessLine(line) ?? []);
    expect(read).toHaveLength(20);
    const hosts = read.map(({ destination }) => destination?.host);
    expect(new Set(hosts)).toEqual(
      new Set(["127.0.0.1", "192.0.2.7", "2001:db8::7", "named.example.org", undefined]),
    );
    expect(hosts.filter((host) => host === "named.example.org")).toHaveLength(8);
    expect(hosts.filter((host) => host === undefined)).toHaveLength(9);
  });
});

/** What both engines were asked for. */
const HOSTS = [
  ...["127.0.0.1", "192.0.2.53", "192.0.2.7", "198.51.100.1", "2001:db8::7", "2001:db8::9"],
  ...["Mixed.Example.ORG", "blocked.example.org", "plain.example.org", "ruled.example.org"],
  ...["secure.example.org", "socks.example.org", "udp.example.org", "www.example.org"],
];

function linesOf(file: string): string[] {
  return readFileSync(join(import.meta.dirname, "../fixtures/xray", file), "utf8").split("\n");
}

/** With the destination in one word. */
function shown({ destination, ...line }: AccessLine) {
  const to = destination && `${destination.network} ${destination.host} ${destination.port}`;
  return { ...line, to };
}

import { describe, expect, test } from "vitest";
import { parseAccessLine } from "../../src/logs/access-log.ts";

const TIME = "2026/11/21 14:03:07";

describe("parseAccessLine()", () => {
  test.for([
    {
      name: "V2Ray 4: no from, whole seconds, the outbound alone",
      line: `${TIME} 203.0.113.9:51234 accepted tcp:example.org:443 [direct] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 51234, network: "tcp", inbound: undefined },
    },
    {
      name: "Xray: from, microseconds, a matched rule",
      line: `${TIME}.123456 from 203.0.113.9:51234 accepted tcp:example.org:443 [vless-ws -> direct] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 51234, network: "tcp", inbound: "vless-ws" },
    },
    {
      name: "Xray: the default outbound",
      line: `${TIME}.000001 from 203.0.113.9:1 accepted tcp:1.1.1.1:443 [in >> direct] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 1, network: "tcp", inbound: "in" },
    },
    {
      name: "Xray: a forced outbound",
      line: `${TIME} from 203.0.113.9:65535 accepted tcp:1.1.1.1:443 [in ==> out] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 65535, network: "tcp", inbound: "in" },
    },
    {
      name: "an inbound tag with spaces",
      line: `${TIME} from 203.0.113.9:5 accepted tcp:1.1.1.1:443 [my in -> my out] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 5, network: "tcp", inbound: "my in" },
    },
    {
      name: "mux and Trojan: the network in front of the address",
      line: `${TIME} from tcp:203.0.113.9:51234 accepted udp:8.8.8.8:53 [in -> out] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 51234, network: "tcp", inbound: "in" },
    },
    {
      name: "Shadowsocks over UDP",
      line: `${TIME} from udp:203.0.113.9:51234 accepted udp:8.8.8.8:53 [in -> out] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 51234, network: "udp", inbound: "in" },
    },
    {
      name: "Shadowsocks 2022: a bare target",
      line: `${TIME} from 203.0.113.9:51234 accepted example.org:443 [ss -> direct] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 51234, network: "tcp", inbound: "ss" },
    },
    {
      name: "IPv6 at both ends",
      line: `${TIME} from [2001:DB8::1]:443 accepted tcp:[2001:db8::2]:443 [in -> out] email: joe`,
      want: { user: "joe", address: "2001:db8::1", port: 443, network: "tcp", inbound: "in" },
    },
    {
      name: "an IPv4 address mapped into IPv6",
      line: `${TIME} from tcp:[::ffff:203.0.113.9]:7 accepted tcp:a:443 email: joe`,
      want: { user: "joe", address: "::ffff:203.0.113.9", port: 7, network: "tcp", inbound: undefined },
    },
    {
      name: "port 0, where a proxy's header told the address",
      line: `${TIME} from 203.0.113.9:0 accepted tcp:example.org:443 [in -> out] email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 0, network: "tcp", inbound: "in" },
    },
    {
      name: "no detour at all",
      line: `${TIME} 203.0.113.9:51234 accepted tcp:example.org:443 email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 51234, network: "tcp", inbound: undefined },
    },
    {
      name: "a reason between detour and e-mail",
      line: `${TIME} from 203.0.113.9:5 accepted http://h/x [in -> out] because of that email: joe`,
      want: { user: "joe", address: "203.0.113.9", port: 5, network: "tcp", inbound: "in" },
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
      },
    },
    {
      name: "an e-mail in another script",
      line: `${TIME} from 203.0.113.9:5 accepted tcp:a:1 [in -> out] email: é日本`,
      want: { user: "é日本", address: "203.0.113.9", port: 5, network: "tcp", inbound: "in" },
    },
  ])("$name", ({ line, want: { address, port, ...want } }) => {
    expect(parseAccessLine(line)).toEqual({ ...want, client: { address, port } });
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
      line: `${TIME} from [Masked IPv4]:5 accepted tcp:a:1 [in -> out] email: joe`,
    },
    {
      name: "an IPv6 address masked",
      line: `${TIME} from [2001:db8::/32]:5 accepted tcp:a:1 [in -> out] email: joe`,
    },
    { name: "a port beyond 65535", line: `${TIME} from 203.0.113.9:65536 accepted tcp:a:1 email: joe` },
    { name: "the second half of a line", line: `0.113.9:5 accepted tcp:a:1 [in -> out] email: joe` },
    {
      name: "something in front of the time",
      line: `x ${TIME} from 203.0.113.9:5 accepted tcp:a:1 email: joe`,
    },
    { name: "an empty line", line: "" },
  ])("says nothing for $name", ({ line }) => {
    expect(parseAccessLine(line)).toBeUndefined();
  });

  test("says nothing for any line cut off before its e-mail", () => {
    const line = `${TIME}.123456 from 203.0.113.9:51234 accepted tcp:example.org:443 [in -> out] email: joe`;
    for (let length = 0; length <= line.length - "joe".length; length++) {
      expect(parseAccessLine(line.slice(0, length)), `${length} characters`).toBeUndefined();
    }
  });
});

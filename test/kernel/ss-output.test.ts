import { describe, expect, test } from "vitest";
import { decodeSockets } from "../../src/kernel/ss-output.ts";

// As printed by iproute2 6.1 for `ss -tneH state connected`.
const IPV4 = "ESTAB 0      0      127.0.0.1:47596 127.0.0.1:45079 ino:10811 sk:5 cgroup:/ <->";
const MAPPED =
  "ESTAB 0      0      [::ffff:127.0.0.1]:29310 [::ffff:127.0.0.1]:29311 uid:998 ino:13474 sk:1008 cgroup:/ <->";
const IPV6 =
  "ESTAB 0 0 [2001:db8::1]:443 [2001:db8::2]:5 timer:(keepalive,1min52sec,0) ino:7 sk:ff00000000000001 -->";
const LINK_LOCAL = "ESTAB 0 0 [fe80::1]%eth0:443 [fe80::2]%eth0:50 ino:7 sk:2 <->";
const DEVICE = "ESTAB 0 0 127.0.0.1%lo:443 127.0.0.1:50 ino:7 sk:2 <->";

describe("decodeSockets()", () => {
  test.for([
    { name: "reads IPv4 of root", line: IPV4, local: "127.0.0.1", port: 47_596, cookie: 5n, uid: 0 },
    {
      name: "reads a mapped address as IPv4",
      line: MAPPED,
      local: "127.0.0.1",
      port: 29_310,
      cookie: 0x1008n,
      uid: 998,
    },
    {
      name: "reads IPv6 and a timer",
      line: IPV6,
      local: "2001:db8::1",
      port: 443,
      cookie: 0xff00_0000_0000_0001n,
      uid: 0,
    },
    {
      name: "leaves out a link-local zone",
      line: LINK_LOCAL,
      local: "fe80::1",
      port: 443,
      cookie: 2n,
      uid: 0,
    },
    { name: "leaves out a device", line: DEVICE, local: "127.0.0.1", port: 443, cookie: 2n, uid: 0 },
  ])("$name", ({ line, local, port, cookie, uid }) => {
    expect(decodeSockets(`${line}\n`)).toMatchObject([{ local: { address: local, port }, cookie, uid }]);
  });

  test.for(["SYN-RECV", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSING"])(
    "keeps a socket in %s",
    (state) => {
      expect(decodeSockets(IPV4.replace("ESTAB", state))).toHaveLength(1);
    },
  );

  test.for([
    { name: "in TIME-WAIT", line: IPV4.replace("ESTAB", "TIME-WAIT") },
    { name: "that has not connected yet", line: IPV4.replace("ESTAB", "SYN-SENT") },
    {
      name: "closed here with all delivered",
      line: IPV4.replace("ESTAB", "FIN-WAIT-2").replace("ino:10811 ", ""),
    },
  ])("leaves out a socket $name", ({ line }) => {
    expect(decodeSockets(line)).toEqual([]);
  });

  test("reads no line as no socket", () => {
    expect(decodeSockets("\n")).toEqual([]);
  });

  test("refuses a line cut off before its cookie", () => {
    for (let length = 1; length < IPV4.indexOf("sk:5"); length += 1) {
      expect(() => decodeSockets(IPV4.slice(0, length))).toThrow(SyntaxError);
    }
  });

  test("refuses an end it cannot read", () => {
    expect(() => decodeSockets(IPV4.replace("127.0.0.1:47596", "localhost:http"))).toThrow(SyntaxError);
  });
});

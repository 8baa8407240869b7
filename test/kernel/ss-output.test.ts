import { describe, expect, test } from "vitest";
import {
  decodeFlows,
  decodeLiveCookies,
  decodeSockets,
  decodeUdpSockets,
} from "../../src/kernel/ss-output.ts";

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

describe("decodeFlows()", () => {
  // As printed by iproute2 6.1 for `ss -tneiH state connected`.
  const progress =
    "\t ts sack bbr wscale:10,10 rto:204 mss:32768 cwnd:11 bytes_sent:5 bytes_acked:6 bytes_received:1301 segs_out:3 lastsnd:4 rcv_space:65495";

  test("reads the progress below each socket", () => {
    const idle = "\t cubic wscale:7,7 rto:204 cwnd:10 segs_out:2";
    const lines = [IPV4.replace("0      0", "17     9000"), progress, MAPPED, idle, IPV6, progress, ""];
    expect(decodeFlows(lines.join("\n"))).toMatchObject([
      { ...{ family: 4, unread: 17, unsent: 9000, timestamps: true }, received: 1301, acknowledged: 6 },
      { ...{ family: 4, unread: 0, unsent: 0, timestamps: false }, received: 0, acknowledged: 0 },
      { ...{ family: 6, unread: 0, unsent: 0, timestamps: true }, received: 1301, acknowledged: 6 },
    ]);
    expect(decodeFlows(lines.join("\n")).map(({ socket }) => socket)).toEqual(
      decodeSockets([IPV4, MAPPED, IPV6].join("\n")),
    );
  });

  test("reads the progress behind a socket too, as -O prints it", () => {
    expect(decodeFlows(`${IPV4}${progress}`)).toMatchObject([{ received: 1301, acknowledged: 6 }]);
  });
});

describe("decodeUdpSockets()", () => {
  // As printed by iproute2 6.1 for `ss -uaneH`.
  test.for([
    {
      name: "one at any IPv4 address",
      line: "UNCONN 0      0      0.0.0.0:34585 0.0.0.0:* ino:3436370 sk:f6b0 fwmark:0x51e7c399 cgroup:/ <->",
      want: { local: { address: "0.0.0.0", port: 34_585 }, remote: undefined, cookie: 0xf6b0n, uid: 0 },
    },
    {
      name: "one of both families",
      line: "UNCONN 832    0            *:39878       *:* uid:998 ino:7 sk:f6b1 cgroup:/ v6only:0 <->",
      want: { local: { address: "::", port: 39_878 }, remote: undefined, unread: 832, uid: 998 },
    },
    {
      name: "a connected one",
      line: "ESTAB  0      0        [::1]:57732   [::1]:9 ino:3436372 sk:f6b2 cgroup:/ <->",
      want: {
        local: { address: "::1", port: 57_732 },
        remote: { address: "::1", port: 9 },
        inode: 3_436_372,
      },
    },
  ])("reads $name", ({ line, want }) => {
    expect(decodeUdpSockets(line)).toMatchObject([want]);
  });
});

describe("decodeLiveCookies()", () => {
  test("has those that dial beside those that carry data, and no others", () => {
    const inState = (state: string, cookie: string) =>
      IPV4.replace("ESTAB", state).replace("sk:5", `sk:${cookie}`);
    const lines = [
      inState("SYN-SENT", "a"),
      inState("ESTAB", "b"),
      inState("TIME-WAIT", "c"),
      inState("FIN-WAIT-2", "d").replace("ino:10811 ", ""),
    ];
    expect(decodeLiveCookies(lines.join("\n"))).toEqual([0xan, 0xbn]);
  });
});

/** Entries as Linux 6.18 sent them: a server at port 5000, a client at 6000. */
import { describe, expect, test } from "vitest";
import { decodeUdpFlows } from "../../src/kernel/udp-flow-lines.ts";
import { decodeUdpFlow, encodeUdpDump } from "../../src/kernel/udp-flow-messages.ts";

const ORIGINAL =
  "3400018014000180080001007f000009080002007f0000011c000280050001001100000006000200177000000600030013880000";
const ANSWERS = "34000280140001800800";
const ANSWERED = `02000000${ORIGINAL}${ANSWERS}01007f000001080002007f0000091c000280050001001100000006000200138800000600030017700000080003000000000a080008000000000008000c009cb788de08000b0000000001080007000000001d`;
const UNANSWERED = ANSWERED.replace("080003000000000a", "0800030000000008");
const ANSWERED6 =
  "0a0000004c0001802c0001801400030020010db80000000000000000000000071400040020010db80000000000000000000000021c0002800500010011000000060002001770000006000300138800004c0002802c0001801400030020010db80000000000000000000000021400040020010db80000000000000000000000071c000280050001001100000006000200138800000600030017700000080003000000000a080008000000000008000c007a485e6308000b0000000001080007000000001d";
const FLOW = { clientAddress: "127.0.0.9", clientPort: 6000, localAddress: "127.0.0.1", localPort: 5000 };

function decode(hex: string, port = 5000) {
  // Where it was received other bytes stand around it.
  const bytes = Buffer.from(`ffff${hex}ffff`, "hex");
  return decodeUdpFlow(bytes, 2, bytes.length - 2, (local) => local === port);
}

describe("decodeUdpFlow()", () => {
  test("tells client and answering end", () => {
    expect(decode(ANSWERED)).toEqual(FLOW);
    expect(decode(ANSWERED6)).toEqual({
      ...FLOW,
      ...{ clientAddress: "2001:db8::7", localAddress: "2001:db8::2" },
    });
  });

  test("goes by the port that answers, not by the one the first packet was sent to", () => {
    const redirected = ANSWERED.replace("0600030013880000", "0600030013890000");
    expect(decode(redirected)).toEqual(FLOW);
    expect(decode(redirected, 5001)).toBeUndefined();
  });

  test.for([
    ["an unanswered flow", UNANSWERED, 5000],
    ["one at another port", ANSWERED, 53],
    ["TCP", ANSWERED.replaceAll("0500010011", "0500010006"), 5000],
    ["an entry without attributes", "02000000", 5000],
  ] as const)("has nothing to say of %s", ([, hex, port]) => {
    expect(decode(hex, port)).toBeUndefined();
  });

  test("reads an entry that is cut off anywhere as none, or throws a SyntaxError", () => {
    for (let length = 4; length < ANSWERED.length / 2; length += 1) {
      try {
        expect([undefined, FLOW]).toContainEqual(decode(ANSWERED.slice(0, 2 * length)));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }
  });

  test("encodeUdpDump() asks for one family's flows of protocol 17", () => {
    expect(encodeUdpDump(2).toString("hex")).toBe(
      "02000000" + "100001800c0002800500010011000000" + "0c001980" + "0800010008000000",
    );
  });
});

describe("decodeUdpFlows()", () => {
  test("reads answered flows of both families, as conntrack 1.4.7 prints them", () => {
    const output = `udp      17 29 src=127.0.0.9 dst=127.0.0.1 sport=6000 dport=5000 src=127.0.0.1 dst=127.0.0.9 sport=5000 dport=6000 [ASSURED] mark=0 use=1
udp      17 29 src=127.0.0.9 dst=127.0.0.1 sport=6000 dport=5001 [UNREPLIED] src=127.0.0.1 dst=127.0.0.9 sport=5001 dport=6000 mark=0 use=1
udp      17 28 src=2001:db8:0:0:0:0:0:7 dst=2001:db8::2 sport=6000 dport=443 src=2001:db8::2 dst=2001:db8::7 sport=5000 dport=6000 mark=0 use=1
tcp      6 119 TIME_WAIT src=127.0.0.1 dst=127.0.0.1 sport=35444 dport=7000 src=127.0.0.1 dst=127.0.0.1 sport=7000 dport=35444 [ASSURED] mark=0 use=1
udp      17 29 garbage
`;
    expect(decodeUdpFlows(output)).toEqual([
      FLOW,
      { clientAddress: "2001:db8::7", clientPort: 6000, localAddress: "2001:db8::2", localPort: 5000 },
    ]);
  });
});

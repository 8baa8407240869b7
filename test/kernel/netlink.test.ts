import { describe, expect, test } from "vitest";
import { KernelUnavailableError } from "../../src/errors.ts";
import { SystemCallError } from "../../src/kernel/libc.ts";
import { answerTo, openNetlink } from "../../src/kernel/netlink.ts";
import { encodeMessage, NLMSG_DONE, NLMSG_ERROR } from "../../src/kernel/netlink-messages.ts";

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;

describe("openNetlink()", () => {
  test("says that the kernel has no such protocol", () => {
    expect(() => openNetlink(255)).toThrow(KernelUnavailableError);
  });

  test("cannot be asked any more once it is disposed of", () => {
    const netlink = openNetlink(NETLINK_SOCK_DIAG);
    netlink[Symbol.dispose]();
    expect(() =>
      netlink.request({ type: SOCK_DIAG_BY_FAMILY, dump: true, payload: Buffer.alloc(56) }),
    ).toThrow(expect.objectContaining({ code: "EBADF" }));
  });
});

describe("request()", () => {
  test("throws the error number the kernel answers, and the next request is a fresh start", () => {
    using netlink = openNetlink(NETLINK_SOCK_DIAG);
    const broken = () =>
      netlink.request({ type: SOCK_DIAG_BY_FAMILY, dump: false, payload: Buffer.alloc(1) });
    expect(broken).toThrow(SystemCallError);
    expect(broken).toThrow(expect.objectContaining({ code: "EINVAL", errno: 22 }));

    const probe = Buffer.alloc(56);
    probe.set([2, 6]);
    expect(netlink.request({ type: SOCK_DIAG_BY_FAMILY, dump: true, payload: probe })).toEqual([]);
  });
});

describe("answerTo()", () => {
  const DATA = 20;
  const MULTIPART = 2;
  const done = (sequence: number) => encodeMessage(NLMSG_DONE, MULTIPART, sequence, Buffer.alloc(4));
  const data = (sequence: number, text: string) =>
    encodeMessage(DATA, MULTIPART, sequence, Buffer.from(text.padEnd(4)));
  const error = (sequence: number, value: number) => {
    const payload = Buffer.alloc(20);
    payload.writeInt32LE(value);
    return encodeMessage(NLMSG_ERROR, 0, sequence, payload);
  };

  test.for([
    {
      name: "joins datagrams",
      datagrams: [Buffer.concat([data(7, "a"), data(7, "b")]), data(7, "c"), done(7)],
    },
    {
      name: "stops at an acknowledgement",
      datagrams: [data(7, "a"), data(7, "b"), data(7, "c"), error(7, 0), done(7)],
    },
    {
      name: "drops what an earlier request left behind, its end and its error too",
      datagrams: [
        data(6, "z"),
        Buffer.concat([done(6), error(5, -1)]),
        data(7, "a"),
        data(7, "b"),
        data(7, "c"),
        done(7),
      ],
    },
  ])("$name", ({ datagrams }) => {
    const answer = answerTo(7, "Cannot ask", handingOver(datagrams));
    expect(answer.map(({ payload }) => payload.toString().trim())).toEqual(["a", "b", "c"]);
  });

  test("does not take what came before an error for an answer", () => {
    const failing = () => answerTo(7, "Cannot ask", handingOver([data(7, "a"), error(7, -105)]));
    expect(failing).toThrow("Cannot ask: ENOBUFS");
  });

  test("does not take an answer without its end for the whole", () => {
    expect(() => answerTo(7, "Cannot ask", handingOver([data(7, "a")]))).toThrow("nothing more came");
  });
});

function handingOver(datagrams: readonly Buffer[]): () => Buffer {
  const rest = [...datagrams];
  return () => {
    const next = rest.shift();
    if (!next) throw new Error("nothing more came");
    return next;
  };
}

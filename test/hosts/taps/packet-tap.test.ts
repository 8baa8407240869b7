/** Real tcpdumps on the loopback of a network of the test's own. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { PacketTap, type PacketTapOptions } from "../../../src/hosts/taps/packet-tap.ts";
import { enterOwnNetwork } from "../../support/own-network.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { packetsOf, textOf } from "../packets/captures.ts";

const PORT = 4_242;
const missing = needs("root", "tcpdump", "ip");

async function tapped(options: Partial<PacketTapOptions> = {}) {
  let starts = 0;
  let chunks: Buffer[] = [];
  const tap = new PacketTap({
    name: "lo",
    filter: `udp dst port ${PORT}`,
    onStart: () => {
      starts += 1;
      chunks = [];
    },
    onBytes: (bytes) => chunks.push(bytes),
    ...options,
  });
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => {
    tap[Symbol.dispose]();
    socket.close();
  });
  const text = () =>
    packetsOf(...chunks)
      .map(({ bytes }) => textOf(bytes))
      .join();
  return {
    tap,
    starts: () => starts,
    listening: () => until("it listens", () => chunks.length > 0),
    send: (word: string, port = PORT) => socket.send(word, port, "127.0.0.1"),
    /** Waits until it came. */
    came: (word: string) => until(`${word} comes`, () => text().includes(word)),
    text,
  };
}

const isThere = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.skipIf(missing)(`PacketTap${missing}`, () => {
  beforeAll(() => enterOwnNetwork());

  test.for(["lo", "any"])("hands on the packets of %s that the filter lets pass, at once", async (name) => {
    const { tap, listening, send, came, text } = await tapped({ name });
    await listening();
    send("other", PORT + 1);
    send("one");
    await came("one");
    send("two");
    await came("two");
    expect(text()).not.toContain("other");
    expect(tap.trouble).toBeUndefined();
  });

  test("starts another tcpdump when it is killed, and says so meanwhile", async () => {
    const { tap, listening, send, came, starts } = await tapped();
    await listening();
    const { pid = 0 } = tap;
    process.kill(pid, "SIGKILL");
    expect(await until("it is told", () => tap.trouble)).toBe("tcpdump ended with SIGKILL");
    await until("another is there", () => tap.pid !== undefined);
    await listening();
    send("again");
    await came("again");
    expect(tap.pid).not.toBe(pid);
    expect(starts()).toBe(2);
    expect(tap.trouble).toBeUndefined();
  });

  test("reports packets when it is asked, also those of a tcpdump that is gone", async () => {
    const { tap, listening, send, came, starts } = await tapped();
    await listening();
    expect(tap.report).toEqual({ captured: 0, dropped: 0 });
    for (const word of ["one", "two", "three"]) {
      send(word);
      await came(word);
    }
    tap.ask();
    await until("it knows", () => tap.report.captured === 3);
    process.kill(tap.pid ?? 0, "SIGTERM");
    await until("another is started", () => starts() === 2);
    await listening();
    send("four");
    await came("four");
    expect(tap.report).toEqual({ captured: 3, dropped: 0 });
    tap.ask();
    await until("it knows", () => tap.report.captured === 4);
  });

  test.for([
    { options: { name: "nonesuch0" }, why: /^tcpdump ended with status 1: .*No such device/ },
    { options: { filter: "nonsense" }, why: /^tcpdump ended with status 1: .*(syntax error|unknown host)/i },
  ])("says why tcpdump does not run: $options", async ({ options, why }) => {
    const { tap } = await tapped(options);
    expect(await until("it is told", () => tap.trouble)).toMatch(why);
  });

  test("ends a tcpdump whose bytes cannot be used, and starts another", async () => {
    let refusals = 0;
    const { tap, starts } = await tapped({
      onBytes: () => {
        refusals += 1;
        throw new Error("expected a pcap file");
      },
    });
    const first = tap.pid ?? 0;
    expect(await until("it is told", () => tap.trouble)).toBe("expected a pcap file");
    await until("the first one is gone", () => !isThere(first));
    await until("another is started", () => starts() === 2);
    expect(refusals).toBeGreaterThan(0);
  });

  test("leaves nothing behind", async () => {
    const { tap, listening, send, starts } = await tapped();
    await listening();
    const pid = tap.pid ?? 0;
    tap[Symbol.dispose]();
    await until("it is gone", () => !isThere(pid));
    send("unheard");
    expect([starts(), tap.trouble]).toEqual([1, undefined]);
  });
});

/** Marks of live flows in the connection tracking of a network of the test's own. */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FlowOwners } from "../../src/daemon/flow-owners.ts";
import { marksOf, SERVICE_SSH, SERVICE_XRAY } from "../../src/kernel/account-marks.ts";
import { openConntrack } from "../../src/kernel/conntrack.ts";
import type { FlowProtocol } from "../../src/kernel/conntrack-messages.ts";
import type { Endpoint } from "../../src/kernel/sockets.ts";
import { hasIPv6, listen } from "../kernel/loopback.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { openBooks } from "./opened-books.ts";

const FOREIGN = 0x77;
const ADDRESSES = hasIPv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
const missing = needs("root", "nft", "ip");

describe.skipIf(missing)(`FlowOwners${missing}`, () => {
  beforeAll(() => enterOwnNetwork());

  describe.for(ADDRESSES)("at %s", (address) => {
    test.for(["tcp", "udp"] as const)(
      "ownerOf() knows an account's %s flows from both ends",
      async (transport) => {
        const { owners, joe, amy } = await owned();
        const joes = await flowMarked(transport, address, marksOf(joe, SERVICE_SSH).forward);
        const amys = await flowMarked(transport, address, marksOf(amy, SERVICE_XRAY).reverse);
        expect(owners.ownerOf(transport, ...joes)).toEqual({ account: "joe", service: "ssh" });
        expect(owners.ownerOf(transport, joes[1], joes[0])).toEqual({ account: "joe", service: "ssh" });
        expect(owners.ownerOf(transport, ...amys)).toEqual({ account: "amy", service: "xray" });
      },
    );

    test.for([
      { name: "without a mark", mark: () => 0 },
      { name: "with somebody else's mark", mark: () => FOREIGN },
      { name: "of an account that is gone", mark: (last: number) => marksOf(last + 1, SERVICE_SSH).forward },
      { name: "with our prefix and number 0", mark: () => marksOf(0, SERVICE_SSH).forward },
    ])("ownerOf() knows nobody for a flow $name", async ({ mark }) => {
      const { owners, amy } = await owned();
      expect(owners.ownerOf("tcp", ...(await flowMarked("tcp", address, mark(amy))))).toBeUndefined();
    });

    test("markOf() gives all of a mark, 0 for none, and 0 for a flow that is not there", async () => {
      using conntrack = openConntrack();
      const [source, target] = await flowMarked("tcp", address, 0xf1000008);
      expect(conntrack.markOf("tcp", source, target)).toBe(0xf1000008);
      expect(conntrack.markOf("udp", source, target)).toBe(0);
      expect(conntrack.markOf("tcp", source, { ...target, port: 1 })).toBe(0);
      expect(conntrack.markOf("tcp", ...(await flowMarked("tcp", address, 0)))).toBe(0);
    });
  });

  test("markOf() finds nothing between ends of two families", async () => {
    using conntrack = openConntrack();
    const [source, target] = await flowMarked("tcp", "127.0.0.1", FOREIGN);
    expect(conntrack.markOf("tcp", source, { ...target, address: "::1" })).toBe(0);
  });

  test("markOf() takes a mapped address for IPv4", async () => {
    using conntrack = openConntrack();
    const [source, target] = await flowMarked("tcp", "127.0.0.1", FOREIGN);
    expect(conntrack.markOf("tcp", { ...source, address: `::ffff:${source.address}` }, target)).toBe(FOREIGN);
  });

  test("ownerOf() follows accounts that come and go", async () => {
    const { owners, books, entry, joe, amy } = await owned();
    const flow = await flowMarked("tcp", "127.0.0.1", marksOf(joe, SERVICE_SSH).forward);
    const later = await flowMarked("tcp", "127.0.0.1", marksOf(amy + 1, SERVICE_SSH).forward);
    expect(owners.ownerOf("tcp", ...flow)?.account).toBe("joe");
    expect(owners.ownerOf("tcp", ...later)).toBeUndefined();
    expect(books.kernelNumberOf(entry("zoe"))).toBe(amy + 1);
    expect(owners.ownerOf("tcp", ...later)?.account).toBe("zoe");
  });
});

/** Two accounts that the kernel knows, and one, zoe, that it does not. */
async function owned() {
  const { books, entry, look } = openBooks(new ManualClock());
  look("e1", {});
  look("e1", { joe: [1, 1], amy: [1, 1], zoe: [1, 1] });
  const [joe, amy] = [books.kernelNumberOf(entry("joe")), books.kernelNumberOf(entry("amy"))];
  const owners = new FlowOwners(books, { write: (_, message) => expect.unreachable(message) });
  onTestFinished(() => owners[Symbol.dispose]());
  return { owners, books, entry, joe, amy };
}

/** Opens a flow that gets this mark at birth. @returns its opener's end and the other. */
async function flowMarked(
  transport: FlowProtocol,
  address: string,
  mark: number,
): Promise<[source: Endpoint, target: Endpoint]> {
  const end = (port: number): Endpoint => ({ address, port });
  if (transport === "tcp") {
    const server = await listen(address);
    onTestFinished(() => server[Symbol.asyncDispose]());
    markPort("tcp", server.port, mark);
    const { remote } = await server.connect(address);
    return [end(remote.port), end(server.port)];
  }
  const kind = address.includes(":") ? "udp6" : "udp4";
  const [opener, other] = [createSocket(kind), createSocket(kind)];
  for (const socket of [opener, other]) {
    onTestFinished(() => void socket.close());
    socket.bind(0, address);
    await once(socket, "listening");
  }
  markPort("udp", other.address().port, mark);
  opener.send("hello", other.address().port, address);
  await once(other, "message");
  return [end(opener.address().port), end(other.address().port)];
}

/** Has the kernel give new flows to this port a mark, and so track them. */
function markPort(transport: FlowProtocol, port: number, mark: number): void {
  const input = `add table inet t
add chain inet t out { type filter hook output priority 0; }
add rule inet t out ct state new ${transport} dport ${port} ct mark set ${mark}\n`;
  execFileSync("nft", ["-f", "-"], { input, timeout: 5_000 });
}

/** Anybody may send packets, and tcpdump writes what the network says: no byte of it may stop or hold up the capture. */
import { expect, test } from "vitest";
import { FlowTable } from "../../src/hosts/packets/flow-table.ts";
import { parseIpPacket } from "../../src/hosts/packets/ip-packet.ts";
import { networkPacket } from "../../src/hosts/packets/link-layer.ts";
import { PcapStream } from "../../src/hosts/packets/pcap-stream.ts";
import { parseDnsQuestion } from "../../src/hosts/parsers/dns-question.ts";
import { parseQuicHello } from "../../src/hosts/parsers/quic-hello.ts";
import { sniffStream } from "../../src/hosts/parsers/stream.ts";
import { unixTime } from "../../src/units.ts";
import { CAPTURES, capture } from "../hosts/packets/captures.ts";
import { allowing, fuzz, TIMEOUT } from "./inputs.ts";

/** For one input; three times in a row, so that it is the input and not the machine. */
const TOO_LONG_MS = 10;

test("PcapStream and FlowTable throw nothing but SyntaxError, and keep their bounds", {
  timeout: TIMEOUT,
}, () => {
  const flows = new FlowTable({
    ...{ stream: sniffStream, quic: parseQuicHello, dns: parseDnsQuestion, addresses: true },
  });
  let [inputs, names, most, mostBytes] = [0, 0, 0, 0];
  const take = (input: Uint8Array) => {
    const began = performance.now();
    const stream = new PcapStream((link, at, bytes) => {
      const packet = networkPacket(link, bytes);
      const segment = packet && parseIpPacket(packet);
      if (segment && flows.take(segment, at)) names += 1;
    });
    allowing([SyntaxError], () => stream.push(input));
    return performance.now() - began;
  };
  fuzz(CAPTURES.map(capture), (input) => {
    inputs += 1;
    const times = [take(input)];
    while (times.length < 4 && Math.min(...times) > TOO_LONG_MS) times.push(take(input));
    if (Math.min(...times) > TOO_LONG_MS) throw new Error(`Took over ${TOO_LONG_MS} ms four times`);
    most = Math.max(most, flows.counts.flows);
    mostBytes = Math.max(mostBytes, flows.counts.bytes);
    if (inputs % 10_000 === 0) flows.expire(unixTime(0));
  });
  expect(names).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(4_096);
  expect(mostBytes).toBeLessThanOrEqual(17 * 2 ** 20);
});

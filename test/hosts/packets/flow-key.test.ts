import fc from "fast-check";
import { expect, test } from "vitest";
import { endsOf, flowKey } from "../../../src/hosts/packets/flow-key.ts";

const port = fc.nat({ max: 65_535 });
const ends = fc.constantFrom(4, 16).chain((length) => {
  const address = fc.uint8Array({ minLength: length, maxLength: length });
  return fc.record({ source: address, sourcePort: port, destination: address, destinationPort: port });
});

test("endsOf() reads what flowKey() wrote", () => {
  fc.assert(
    fc.property(ends, (flow) => {
      expect(endsOf(flowKey(flow))).toEqual(flow);
    }),
  );
});

test("flowKey() tells the directions of a flow apart", () => {
  const [source, destination] = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)];
  const there = flowKey({ source, sourcePort: 5, destination, destinationPort: 443 });
  const back = flowKey({ source: destination, sourcePort: 443, destination: source, destinationPort: 5 });
  expect(there).not.toBe(back);
});

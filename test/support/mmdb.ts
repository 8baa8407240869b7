/**
 * Writes small address databases in MaxMind's format (MaxMind DB 2.0), in the
 * shapes that MaxMind and ip-location-db give theirs:
 *
 *   tree: two records of 24 bits a node   16 zeros   data   marker   metadata
 */
import { addressBytes } from "../../src/addresses.ts";

export interface SmallDatabase {
  readonly type: string;
  readonly ipVersion: 4 | 6;
  /** Seconds since 1970. */
  readonly builtAt: number;
  /** "203.0.113.0/24" and what is said of it. */
  readonly networks: Readonly<Record<string, object>>;
}

type Node = [left: Branch, right: Branch];
type Branch = Node | number | undefined;

const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const [TEXT, DOUBLE, UINT32, MAP, ARRAY] = [2, 3, 6, 7, 11];

export function mmdbOf({ type, ipVersion, builtAt, networks }: SmallDatabase): Buffer {
  const root: Node = [undefined, undefined];
  const pieces: Buffer[] = [];
  let length = 0;
  for (const [network, record] of Object.entries(networks)) {
    const [address = "", prefix] = network.split("/");
    const bytes = addressBytes(address);
    const inTree = bytes.length === 4 && ipVersion === 6 ? Buffer.concat([Buffer.alloc(12), bytes]) : bytes;
    put(root, inTree, Number(prefix) + 8 * (inTree.length - bytes.length), length);
    const piece = encoded(record);
    pieces.push(piece);
    length += piece.length;
  }
  const nodes = nodesBelow(root);
  const numbers = new Map(nodes.map((node, index) => [node, index]));
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [index, node] of nodes.entries()) {
    for (const [side, branch] of node.entries()) {
      const data = typeof branch === "number" ? nodes.length + 16 + branch : nodes.length;
      tree.writeUIntBE(Array.isArray(branch) ? (numbers.get(branch) ?? 0) : data, index * 6 + side * 3, 3);
    }
  }
  const metadata = {
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: builtAt },
    ...{ database_type: type, description: {}, ip_version: ipVersion, languages: ["en"] },
    ...{ node_count: nodes.length, record_size: 24 },
  };
  return Buffer.concat([tree, Buffer.alloc(16), ...pieces, MARKER, encoded(metadata)]);
}

function put(root: Node, address: Buffer, prefix: number, data: number): void {
  let node = root;
  for (let bit = 0; bit < prefix; bit += 1) {
    const side = ((address[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
    const next = node[side];
    if (bit === prefix - 1) node[side] = data;
    else if (Array.isArray(next)) node = next;
    else {
      const made: Node = [undefined, undefined];
      node[side] = made;
      node = made;
    }
  }
}

function nodesBelow(node: Node): Node[] {
  return [node, ...node.flatMap((branch) => (Array.isArray(branch) ? nodesBelow(branch) : []))];
}

/** Whole numbers that are not negative are uint32, others doubles. */
function encoded(value: unknown): Buffer {
  if (typeof value === "string")
    return Buffer.concat([head(TEXT, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([head(UINT32, 4), bytes]);
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return Buffer.concat([head(DOUBLE, 8), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([head(ARRAY, value.length), ...value.map(encoded)]);
  const entries = Object.entries(value as object);
  return Buffer.concat([head(MAP, entries.length), ...entries.flat().map(encoded)]);
}

function head(type: number, size: number): Buffer {
  const length = size < 29 ? [size] : [29, size - 29];
  const [first = 0, ...more] = length;
  return type <= 7 ? Buffer.of((type << 5) | first, ...more) : Buffer.of(first, type - 7, ...more);
}

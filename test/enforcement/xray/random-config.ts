/**
 * Configs with random users, in random layout, with comments in between.
 *
 * Every user is in every inbound; the layout comes from random numbers, used up
 * one per gap and per character, so that fast-check can shrink it.
 */
import fc from "fast-check";

export interface RandomConfig {
  readonly users: readonly string[];
  readonly text: string;
}

/** Names that are parts or patterns of others, or hard to write down, besides random ones. */
const AWKWARD_NAMES = [
  "joe",
  "joe2",
  "jo",
  "JOE",
  "a.b",
  "axb",
  'q"uo\\te',
  "#x 2026-01-01",
  "// y",
  "/* z */",
  "é\u2028",
  "'",
];

export const randomConfig: fc.Arbitrary<RandomConfig> = fc
  .record({
    users: fc.uniqueArray(fc.oneof(fc.constantFrom(...AWKWARD_NAMES), fc.string({ minLength: 1 })), {
      minLength: 1,
      maxLength: 6,
    }),
    secrets: fc.array(fc.oneof(fc.uuid(), fc.string({ minLength: 1 }), fc.constantFrom('#"', "\\", "//")), {
      minLength: 1,
    }),
    layout: fc.array(fc.nat(1000), { minLength: 1, maxLength: 200 }),
  })
  .map(({ users, secrets, layout }) => ({ users, text: write(contentOf(users, secrets), layout) }));

function contentOf(users: readonly string[], secrets: readonly string[]): unknown {
  const secret = (index: number): string => secrets[index % secrets.length] ?? "";
  const inbound = (protocol: string, clients: readonly object[]): object => ({
    protocol,
    port: 1,
    settings: { clients },
  });
  return {
    log: { access: "/var/log/x" },
    inbounds: [
      { protocol: "dokodemo-door", settings: { address: "127.0.0.1" } },
      {
        ...inbound(
          "vless",
          users.map((email, index) => ({ id: secret(index), email })),
        ),
        tag: "a",
      },
      inbound(
        "vmess",
        users.map((email, index) => ({ alterId: 0, email, id: secret(index + 1) })),
      ),
      inbound(
        "trojan",
        users.map((email, index) => ({ password: secret(index + 2), email, note: email })),
      ),
      ...users.map((email, index) => ({
        protocol: "shadowsocks",
        settings: { method: "aes-128-gcm", email, password: secret(index) },
      })),
    ],
  };
}

const GAPS = [
  "",
  "",
  " ",
  "\n",
  "\r\n  ",
  "\t",
  ' // c "id": \'\n',
  '# "email": "joe"\n',
  "#vls joe 2026-12-31\n",
  '/* "x": { */',
  "/**/",
  "/***/\n",
];

function write(content: unknown, layout: readonly number[]): string {
  let used = 0;
  const next = (): number => layout[used++ % layout.length] ?? 0;
  const gap = (): string => GAPS[next() % GAPS.length] ?? "";
  const string = (text: string): string =>
    `"${Array.from(text, (character) => (next() % 7 === 0 ? escaped(character) : JSON.stringify(character).slice(1, -1))).join("")}"`;
  const value = (node: unknown): string => {
    if (typeof node === "string") return string(node);
    if (Array.isArray(node)) return `[${node.map((item) => gap() + value(item) + gap()).join(",") || gap()}]`;
    if (typeof node !== "object" || node === null) return JSON.stringify(node);
    const members = Object.entries(node).map(
      ([key, member]) => `${gap()}${string(key)}${gap()}:${gap()}${value(member)}${gap()}`,
    );
    return `{${members.join(",")}}`;
  };
  return `${gap()}${value(content)}${gap()}`;
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`)
    .join("");
}

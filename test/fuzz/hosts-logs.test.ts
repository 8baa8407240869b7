/** Logs hold what strangers sent: no line may stop the capture, or hold it up. */
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { accessSighting } from "../../src/hosts/logs/access-sighting.ts";
import { nginxErrorSightings } from "../../src/hosts/logs/nginx-error.ts";
import { nginxParser } from "../../src/hosts/logs/nginx-formats.ts";
import { nginxSightings } from "../../src/hosts/logs/nginx-sighting.ts";
import type { Sighting } from "../../src/hosts/sighting.ts";
import { parseAccessLine } from "../../src/logs/access-log.ts";
import { unixTime } from "../../src/units.ts";
import { JSON_FORMAT, LOGS, nginxLines, OWN } from "../hosts/logs/nginx-lines.ts";
import { allowing, FEW, fuzz, INPUTS, TIMEOUT } from "./inputs.ts";

const NOW = unixTime(1_800_000_000_000);
const LONGEST_MS = 10;
const TAGS = { apiTags: ["api"], protocolOf: () => "vless" };
const ACCESS = [
  "2026/11/21 14:03:07 203.0.113.9:51234 accepted tcp:example.org:443 [direct] email: joe",
  "2026/11/21 14:03:07.123456 from tcp:[2001:db8::1]:443 accepted udp:8.8.8.8:53 [in -> out] email: a b >>> é",
  "2026/11/21 14:03:07 from 203.0.113.9:5 accepted http://u:p@h.example.org:80/x?y [http-in >> direct]",
  "2026/11/21 14:03:07 from [Masked IPv4]:5 accepted //[2001:db8::7]:1 [http-in >> direct]",
];
const COMBINED_LINES = nginxLines("nginx-combined.log");
const CAPTURE_LINES = nginxLines("nginx-proxy-capture.log");

const TARGETS = [
  {
    name: "access lines",
    samples: ACCESS,
    read: (text: string): readonly Sighting[] => {
      const line = parseAccessLine(text);
      return (line && [accessSighting(line, TAGS, NOW) ?? []].flat()) ?? [];
    },
  },
  { name: "lines of combined", samples: COMBINED_LINES, read: reader("combined") },
  { name: "lines of proxy_capture", samples: CAPTURE_LINES, read: reader("proxy_capture") },
  { name: "lines of JSON", samples: nginxLines("nginx-json.log"), read: reader(JSON_FORMAT) },
  {
    name: "error lines",
    samples: nginxLines("nginx-error.log"),
    read: (text: string) => nginxErrorSightings(text, NOW),
  },
];

describe.for(TARGETS)("$name", ({ samples, read }) => {
  test("never throw, take no time, and name only what stands in them", { timeout: TIMEOUT }, () => {
    let found = 0;
    fuzz(
      samples,
      (input) => {
        const text = input.toString("utf8");
        const sightings = inTime(() => read(text));
        found += sightings.length;
        for (const sighting of sightings) {
          if (!isSound(sighting, text)) throw new Error(`took ${JSON.stringify(sighting)}`);
        }
      },
      Math.ceil(INPUTS / 2),
    );
    expect(found).toBeGreaterThan(0);
  });
});

describe("nginxParser()", () => {
  test("takes or refuses any format, and then reads any line by it in time", { timeout: TIMEOUT }, () => {
    const lines = LOGS.flatMap(({ file }) => nginxLines(file));
    const formats = [OWN, JSON_FORMAT, "${a}${b}", '"$host" \\$x', "$a $a $a $a", "$a\\$b\\\\$c"];
    let [taken, read] = [0, 0];
    fuzz(
      formats,
      (input) => {
        allowing([SyntaxError], () => {
          const parse = nginxParser(input.toString("utf8"));
          const line = lines[taken % lines.length] ?? "";
          taken += 1;
          if (inTime(() => parse(line))) read += 1;
          inTime(() => parse(input.toString("latin1")));
        });
      },
      FEW,
    );
    expect(taken).toBeGreaterThan(0);
    expect(read).toBeGreaterThan(0);
  });

  const parts = [
    '"',
    '" ',
    "\\",
    '\\"',
    "\\x22",
    " ",
    "- ",
    '" "',
    ' SNI:"',
    ', host: "',
    "$",
    "SNI ",
    "server name ",
  ];
  test.for(parts)("takes no time over a megabyte of %j, in any format", (part) => {
    const end = part.repeat(1_000_000 / part.length);
    const heads = ["", "1.2.3.4 - - [", '1.2.3.4 [t] "', '1.2.3.4 [t] "x" 200', '{"time":"', 'h t a "'];
    const error = "2026/11/21 12:55:07 [error] 1#1: ";
    for (const format of ["combined", "proxy_capture", OWN, JSON_FORMAT, `$a ${part}${part} $b`]) {
      const parse = nginxParser(part === "$" && format.startsWith("$a $") ? "$a $ $b" : format);
      for (const head of heads) inTime(() => parse(head + end), 100);
    }
    inTime(() => nginxErrorSightings(error + end, NOW), 100);
    inTime(() => nginxErrorSightings(`${error}x, client: ${end}`, NOW), 100);
  });
});

function reader(format: string) {
  const parse = nginxParser(format);
  return (line: string): readonly Sighting[] => {
    const values = parse(line);
    return values ? nginxSightings(values, NOW) : [];
  };
}

/** The best of three: a machine that does other things meanwhile is no slow parser. */
function inTime<Result>(run: () => Result, longest = LONGEST_MS): Result {
  const took: number[] = [];
  for (;;) {
    const began = performance.now();
    const result = run();
    took.push(performance.now() - began);
    if (Math.min(...took) <= longest) return result;
    if (took.length === 3) throw new Error(`took ${took.map(Math.round).join(", ")} ms`);
  }
}

/** nginx writes some characters in other words; names in question have none of them. */
function isSound({ host, source, at }: Sighting, text: string): boolean {
  const literal = !/^[\w.:[\]-]+$/.test(host) || text.includes("\\") || text.includes(host);
  return host !== "" && literal && (source === undefined || isIP(source) > 0) && at <= NOW && at > 0;
}

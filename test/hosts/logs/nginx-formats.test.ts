import { describe, expect, test } from "vitest";
import { nginxParser } from "../../../src/hosts/logs/nginx-formats.ts";
import { JSON_FORMAT, LOGS, nginxLines, OWN } from "./nginx-lines.ts";

const AGENT = 'quo"te \\ back\ttab \u00c3\u00a9';

describe("nginxParser()", () => {
  test.for(LOGS)("reads every line that nginx wrote by $format", ({ file, format }) => {
    const parse = nginxParser(format);
    const lines = nginxLines(file);
    expect(lines).toHaveLength(13);
    for (const line of lines) expect(parse(line), line).toBeDefined();
  });

  test.for(LOGS)("reads no line cut off, of $format", ({ file, format }) => {
    const parse = nginxParser(format);
    const line = nginxLines(file)[1] ?? "";
    const shortest = /^proxy_capture$|\$\w+$/.test(format)
      ? line.lastIndexOf(format === OWN ? " -" : " XFF")
      : line.length;
    for (let length = 0; length < shortest; length++) {
      expect(parse(line.slice(0, length)), line.slice(0, length)).toBeUndefined();
    }
  });

  test("undoes what nginx does to quotation marks, control characters and bytes beyond ASCII", () => {
    const [, combined = ""] = nginxLines("nginx-combined.log");
    expect(nginxParser("combined")(combined)?.get("http_user_agent")).toBe(AGENT);
    const [, own = ""] = nginxLines("nginx-own.log");
    expect(nginxParser(OWN)(own)?.get("http_user_agent")).toBe(AGENT);
  });

  test("undoes escape=json, which leaves bytes beyond ASCII as they are", () => {
    const [, json = ""] = nginxLines("nginx-json.log");
    const values = nginxParser(JSON_FORMAT)(json);
    expect(values?.get("http_user_agent")).toBe('quo"te \\ back\ttab é');
    expect(values?.get("host")).toBe("ws.example.org");
    expect(values?.get("ssl_server_name")).toBe("");
  });

  test("takes a name of the basic scheme with spaces and brackets for no other variable", () => {
    const [line = ""] = nginxLines("nginx-combined.log").filter((each) => each.includes("us er"));
    const values = nginxParser("combined")(line);
    expect(values?.get("remote_addr")).toBe("127.0.0.1");
    expect(values?.get("request")).toBe("GET / HTTP/1.1");
    expect(values?.get("time_local")).not.toBe("21/Nov/2026:12:55:07 +0000"); // unquoted: cut short, and no time
  });

  test("takes proxy_capture's keys in any order, with others between, and with fewer", () => {
    const head = '203.0.113.9 [21/Nov/2026:14:03:07 +0700] "GET / HTTP/1.1" 101';
    const parse = nginxParser("proxy_capture");
    expect(parse(`${head} UA:"x y" SNI:"a.org" Host:"b.org" New:"-"`)).toEqual(
      new Map([
        ["remote_addr", "203.0.113.9"],
        ["time_local", "21/Nov/2026:14:03:07 +0700"],
        ["request", "GET / HTTP/1.1"],
        ["ssl_server_name", "a.org"],
        ["http_host", "b.org"],
      ]),
    );
    expect(parse(head)?.has("http_host")).toBe(false);
  });

  test("hears no key from within a request or a value", () => {
    const parse = nginxParser("proxy_capture");
    const line = '1.2.3.4 [t] "GET / SNI:" 400 XFF:"a SNI:" Host:"\\x22 SNI:\\x22x.org" SNI:"-"';
    expect(parse(line)?.get("ssl_server_name")).toBe("");
    expect(parse(line)?.get("http_host")).toBe('" SNI:"x.org');
  });

  test.for([
    { name: "text in front, between and behind", format: "<$a|$b>", line: "<1|2>", want: ["1", "2"] },
    { name: "braces", format: "${a}x$b", line: "1x2", want: ["1", "2"] },
    { name: "no value", format: "$a $b", line: "- -", want: ["", ""] },
    { name: "nothing at all", format: "$a,$b", line: ",", want: ["", ""] },
    { name: "the first place where the text stands", format: "$a $b", line: "1 2 3", want: ["1", "2 3"] },
    { name: "an escaped end", format: '"$a" "$b"', line: '"1\\" \\"" "2"', want: ['1" "', "2"] },
    {
      name: "a backslash of its own before the end",
      format: '"$a" $b',
      line: '"1\\\\" 2',
      want: ["1\\", "2"],
    },
    { name: "a lone backslash at the end", format: "$a $b", line: "1 2\\", want: ["1", "2\\"] },
    { name: "\\u", format: "$a $b", line: "\\u0041 \\n", want: ["A", "\n"] },
  ])("knows $name", ({ format, line, want }) => {
    const values = nginxParser(format)(line);
    expect([values?.get("a"), values?.get("b")]).toEqual(want);
  });

  test.for([
    { name: "another text in front", format: "<$a>", line: "(1)" },
    { name: "something behind the last text", format: "<$a>", line: "<1>2" },
    { name: "a text that is missing", format: "$a - $b", line: "1 2" },
    { name: "a text that stands there escaped alone", format: '"$a"', line: '"1\\"' },
    { name: "an empty line", format: "$a $b", line: "" },
  ])("reads no line with $name", ({ format, line }) => {
    expect(nginxParser(format)(line)).toBeUndefined();
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { program } from "../../../src/faces/cli/program.ts";
import { captureHost } from "../../../src/faces/legacy/capture-host.ts";
import { cekBwLimit } from "../../../src/faces/legacy/cek-bw-limit.ts";
import { parseMenu } from "../../../src/faces/menu/menu-file.ts";

const FOLDER = new URL("../../../menus/", import.meta.url);
const NAMES = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ""));
const menuOf = (name: string) =>
  parseMenu(`menus/${name}.json`, readFileSync(new URL(`${name}.json`, FOLDER), "utf8"), NAMES);

describe("the menus that come along", () => {
  test.each([
    [
      "quota",
      "DATA USAGE LIMIT MENU",
      [
        "1 Show All Users + Usage + Limits",
        "2 Check Single User Usage",
        "3 Set User Data Limit",
        "4 Remove User Limit",
        "5 Reset User Usage (Renew)",
        "6 Reset All Users Usage",
        "7 Disable User",
        "8 Enable User",
        "9 Check Bandwidth Service Status",
        "10 Real-time Bandwidth Monitor (10ms data, 100ms display)",
      ],
    ],
    [
      "hosts",
      "CAPTURED HOSTS MENU",
      [
        "1 View Captured Hosts",
        "2 Scan for New Hosts",
        "3 Add Host Manually",
        "4 Remove Host",
        "5 Clear All Hosts",
        "6 Turn ON Auto Capture",
        "7 Turn OFF Auto Capture",
        "8 Real-time Host Monitor (10ms data, 100ms display)",
      ],
    ],
    ["main", "SLUICE", ["15 USER BANDWIDTH", "27 CAPTURED HOSTS", "28 DATA LIMIT MENU"]],
  ])("%s begins with the old numbers and texts", (name, title, items) => {
    const menu = menuOf(name);
    expect(menu.title).toBe(title);
    expect(menu.items.slice(0, items.length).map(({ key, text }) => `${key} ${text}`)).toEqual(items);
  });

  test("openvpn sets a quota by the number that did", () => {
    expect(menuOf("openvpn").items.find(({ key }) => key === "7")).toMatchObject({
      text: "Set User Quota",
      run: ["sluice", "limit", "set", "--yes", "--", "{user}", "{limit}"],
    });
  });

  test("ask what the old ones asked", () => {
    const prompts = (name: string) =>
      menuOf(name).items.flatMap(({ asks, confirm }) => [
        ...asks.map(({ prompt }) => prompt),
        ...(confirm ? [confirm.prompt] : []),
      ]);
    for (const text of [
      "Enter username: ",
      "Enter limit in MB (0 for unlimited): ",
      "Are you sure you want to reset ALL users? (y/n): ",
    ]) {
      expect(prompts("quota")).toContain(text);
    }
    expect(prompts("hosts").join()).toContain("SSH/VMESS/VLESS/Trojan/SNI/Header-Host/Proxy-Host");
  });

  test.each(NAMES)("%s asks before it runs what cannot be undone, and says what it will do", (name) => {
    const grave = menuOf(name).items.filter(({ run }) => /reset-all|delete|clear|kick/.test(run.join(" ")));
    for (const { says, confirm } of grave) expect([says, confirm?.prompt]).not.toContain("");
    expect(grave.every(({ confirm }) => confirm !== undefined)).toBe(true);
  });

  const faces = { sluice: program(), "cek-bw-limit": cekBwLimit(), "capture-host": captureHost() };
  test.each(
    NAMES.flatMap((name) =>
      [...menuOf(name).status, ...menuOf(name).items]
        .map(({ run }) => run)
        .filter(([face]) => face && face in faces),
    ).map((run) => ({ run: run.join(" "), words: run })),
  )("run only what there is: $run", ({ words: [face, ...words] }) => {
    let command = faces[face as keyof typeof faces];
    while (command.commands.length > 0 && words[0] !== undefined) {
      const next = command.commands.find((each) => each.name() === words[0]);
      expect(next?.name()).toBe(words.shift());
      command = next ?? command;
    }
    const options = words.filter((word) => word.startsWith("--") && word !== "--");
    expect(command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(options));
  });
});

describe("parseMenu() refuses, with the place,", () => {
  const item = { key: "1", text: "T", run: ["sluice", "users"] };
  const ask = { name: "user", prompt: "P", check: "user" };
  test.each<[string, object, string]>([
    ["no items", { title: "T" }, "items: expected a list with one object or more, got none"],
    ["no title", { items: [item] }, "title: expected a text of one line, got nothing"],
    [
      "an unknown key",
      { title: "T", items: [item], footer: "F" },
      "footer: unknown setting; known are title, status, items",
    ],
    [
      "a title that writes the terminal",
      { title: "\u001b[2J", items: [item] },
      'title: expected a text of one line, got "\\u001b[2J" (string)',
    ],
    [
      "a number that leaves",
      of({ key: "0" }),
      'items[0].key: expected a number from "1" to "999", got "0" (string)',
    ],
    [
      "a number without quotes",
      of({ key: 1 }),
      'items[0].key: expected a number from "1" to "999", got 1 (number)',
    ],
    [
      "a twin",
      { title: "T", items: [item, item] },
      'items[1].key: expected one of its own, got items[0]\'s "1"',
    ],
    [
      "an unknown check",
      of({ asks: [{ ...ask, check: "usr" }] }),
      'items[0].asks[0].check: expected one of "user", "name", "megabytes", "type", "host", "service", "file", got "usr" (string)',
    ],
    [
      "no check",
      of({ asks: [{ name: "user", prompt: "P" }] }),
      'items[0].asks[0].check: expected one of "user", ',
    ],
    [
      "another program",
      of({ run: ["rm", "-rf"] }),
      'items[0].run[0]: expected one of "sluice", "cek-bw-limit", ',
    ],
    [
      "a command in one text",
      of({ run: "sluice users" }),
      'items[0].run: expected a list of texts, got "sluice users" (string)',
    ],
    ["neither run nor opens", of({ run: undefined }), "items[0]: expected either run or opens, got neither"],
    ["both", of({ opens: "quota" }), "items[0]: expected either run or opens, got both"],
    [
      "a menu that is none",
      of({ run: undefined, opens: "quote" }),
      'items[0].opens: expected one of "main", "quota", got "quote" (string)',
    ],
    [
      "a placeholder nobody asks for",
      of({ run: ["sluice", "user", "--", "{user}"] }),
      'items[0].run[3]: expected no placeholder, got "{user}"',
    ],
    [
      "a placeholder in a word",
      of({ asks: [ask], run: ["sluice", "user", "--", "x{user}"] }),
      'items[0].run[3]: expected one of "{user}", got "x{user}"',
    ],
    [
      "a name that could be an option",
      of({ asks: [ask], run: ["sluice", "user", "{user}"] }),
      'items[0].run[2]: expected "--" before the first placeholder, got "{user}"',
    ],
    [
      "a confirmation by what was not asked",
      of({ confirm: { prompt: "P", expects: "{user}" } }),
      'items[0].confirm.expects: expected "y", got "{user}" (string)',
    ],
    [
      "a status line without a command",
      { title: "T", items: [item], status: [{ label: "L" }] },
      "status[0].run[0]: expected one of ",
    ],
  ])("%s", (_, content, complaint) => {
    expect(() => parseMenu("menus/own.json", JSON.stringify(content), ["main", "quota"])).toThrow(
      `menus/own.json: ${complaint}`,
    );
  });

  test("what is no JSON", () => {
    expect(() => parseMenu("menus/own.json", '{\n "title": }', [])).toThrow(
      'menus/own.json: Cannot read the JSON at 2:11: expected a value, got "}"',
    );
  });

  test("all of it at once", () => {
    const text = JSON.stringify({ items: [{ ...item, key: "x", text: "" }] });
    expect(() => parseMenu("m", text, [])).toThrow(
      /m: title: .*\nm: items\[0\]\.key: .*\nm: items\[0\]\.text: /,
    );
  });

  function of(other: object): object {
    return { title: "T", items: [{ ...item, ...other }] };
  }
});

import { describe, expect, test } from "vitest";
import { includesIn, sudoRuleFor } from "../../../src/enforcement/ssh/sudoers.ts";

const JOE = {
  name: "joe",
  uid: 1001,
  groups: [
    { name: "joe", gid: 1001 },
    { name: "vpn", gid: 2000 },
  ],
};
/** What Debian ships. */
const STOCK = `# This file MUST be edited with the 'visudo' command as root.
Defaults	env_reset
Defaults	secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root	ALL=(ALL:ALL) ALL
%sudo	ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
`;

describe("sudoRuleFor()", () => {
  test.for([
    { name: "his name", text: "joe ALL=(ALL) NOPASSWD: ALL" },
    { name: "his name in a list", text: "amy, joe ALL=/usr/bin/apt" },
    { name: "his name in a list without spaces", text: "amy,joe ALL=/usr/bin/apt" },
    { name: "his name in quotes", text: '"joe" ALL=ALL' },
    { name: "his uid", text: "#1001 ALL=ALL" },
    { name: "his group", text: "%vpn ALL=ALL" },
    { name: "his group by number", text: "%#2000 ALL=ALL" },
    { name: "a user alias he is in", text: "User_Alias ADMINS = amy, joe" },
    { name: "everybody", text: "ALL ALL=(ALL) /usr/bin/true" },
    { name: "everybody, behind a name", text: "amy, ALL ALL=/usr/bin/true" },
    { name: "an alias of everybody", text: "User_Alias PEOPLE = ALL, !root" },
    { name: "him, excluded", text: "!joe ALL=ALL" },
    { name: "him, over two lines", text: "amy, \\\n  joe ALL=ALL" },
    { name: "a default of his", text: "Defaults:joe !authenticate" },
    { name: "him as somebody to become", text: "amy ALL=(joe) ALL" },
    { name: "him behind a comment's line", text: "# joe\njoe ALL=ALL # joe" },
  ])("finds a rule for $name", ({ text }) => {
    expect(sudoRuleFor(`${STOCK}${text}\n`, JOE)).toBeDefined();
  });

  test.for([
    { name: "the stock file", text: "" },
    { name: "a name that begins like his", text: "joe2 ALL=ALL" },
    { name: "a name that ends like his", text: "notjoe ALL=ALL" },
    { name: "a name his is a part of", text: "joe.smith ALL=ALL" },
    { name: "another group", text: "%vpn2 ALL=ALL" },
    { name: "another uid", text: "#10010 ALL=ALL" },
    { name: "his name in a comment", text: "# joe ALL=ALL" },
    { name: "his name behind a comment's sign", text: "amy ALL=ALL # like joe" },
  ])("finds none in $name", ({ text }) => {
    expect(sudoRuleFor(`${STOCK}${text}\n`, JOE)).toBeUndefined();
  });

  test.for(["a.b", "--help", "../x", "[joe]", "joe*", "ALL="])(
    "takes %s for a name, never for a pattern",
    (name) => {
      expect(sudoRuleFor(`${STOCK}axb ALL=ALL\n`, { ...JOE, name })).toBeUndefined();
    },
  );
});

test("includesIn() reads both spellings of both kinds, quoted and escaped, and no comment", () => {
  const text = `@include /etc/one
#include /etc/two
@includedir /etc/sudoers.d
#includedir /etc/three\\ four
@include "/etc/five six"
# include /etc/seven
@includes /etc/eight
`;
  expect(includesIn(text)).toEqual([
    { kind: "file", path: "/etc/one" },
    { kind: "file", path: "/etc/two" },
    { kind: "folder", path: "/etc/sudoers.d" },
    { kind: "folder", path: "/etc/three four" },
    { kind: "file", path: "/etc/five six" },
  ]);
});

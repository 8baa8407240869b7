import fc from "fast-check";
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
    { name: "his uid in a list", text: "amy, #1001 ALL=ALL" },
    { name: "everybody, behind two names", text: "amy, bob , ALL ALL=/usr/bin/true" },
    { name: "an alias of everybody, behind a name", text: "User_Alias PEOPLE = amy, ALL" },
    { name: "an alias of everybody, behind another alias", text: "User_Alias A = amy : B = ALL" },
    { name: "him in an alias of commands", text: "Cmnd_Alias SCRIPTS = /home/joe/deploy.sh" },
    { name: "his script in a rule of another", text: "amy ALL=NOPASSWD: /home/joe/deploy.sh" },
    { name: "him behind a sign that begins no comment", text: 'User_Alias ADMINS = "amy#x", joe' },
    { name: "him with a comment right behind", text: "amy,joe#again" },
    { name: "him in escapes", text: "j\\x6fe ALL=ALL" },
    { name: "him in capitals", text: "JOE ALL=ALL" },
    { name: "his group in capitals", text: "%Vpn ALL=ALL" },
    { name: "a netgroup", text: "+operators ALL=ALL" },
    { name: "a directory's group", text: '"%:DOMAIN\\\\domain users" ALL=ALL' },
    { name: "a default as which he is run", text: "Defaults>joe !lecture" },
    { name: "him before the file is cut off", text: "joe ALL=(AL" },
    { name: "him behind carriage returns", text: "amy ALL=ALL\r\njoe ALL=ALL\r" },
    { name: "him behind a comment's line", text: "# joe\njoe ALL=ALL # joe" },
  ])("finds a rule for $name", ({ text }) => {
    expect(sudoRuleFor(`${STOCK}${text}\n`, JOE)).toBeDefined();
  });

  test.for([
    { name: "the stock file", text: "" },
    { name: "a name that begins like his", text: "joe2 ALL=ALL" },
    { name: "a name that ends like his", text: "notjoe ALL=ALL" },
    { name: "a name his is a part of", text: "joe.smith ALL=ALL" },
    { name: "another's default", text: "Defaults:amy !authenticate" },
    { name: "everything for another", text: "amy ALL=(ALL:ALL) NOPASSWD: ALL" },
    { name: "another's uid that begins like his", text: "#100 ALL=ALL" },
    { name: "a folder called like his beginning", text: "amy ALL=/home/joe2/x" },
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

test("sudoRuleFor() passes over what the stock defaults are made of", () => {
  for (const name of ["local", "usr", "sbin", "path"])
    expect(sudoRuleFor(STOCK, { ...JOE, name }), name).toBeUndefined();
});

test("sudoRuleFor() finds him wherever he stands among users, whoever is beside him", () => {
  const other = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/);
  const gap = fc.constantFrom(",", ", ", " ,", " , ", ",\\\n  ");
  fc.assert(
    fc.property(fc.array(fc.tuple(other, gap)), fc.array(fc.tuple(gap, other)), (before, behind) => {
      const users = [...before.flat(), "joe", ...behind.flat()].join("");
      expect(sudoRuleFor(`${STOCK}${users} ALL=/usr/bin/true\n`, JOE)).toBeDefined();
    }),
  );
});

test("sudoRuleFor() and includesIn() take any text", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'joeAL=, #%@!:\\"\n\t.d/include'.split("")) }),
      (text) => {
        sudoRuleFor(text, JOE);
        for (const { path } of includesIn(text)) expect(path).not.toBe("");
      },
    ),
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

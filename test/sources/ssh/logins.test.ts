import { mkdtempDisposable, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoginFile, parseGroups, parsePasswd, tunnelLogins } from "../../../src/sources/ssh/logins.ts";

const JOE = "joe:x:1001:1001:Joe,,,:/home/joe:/bin/false";

describe("parsePasswd()", () => {
  test("reads a login, with its line", () => {
    expect(parsePasswd(`${JOE}\n`)).toEqual([
      { name: "joe", uid: 1001, gid: 1001, home: "/home/joe", shell: "/bin/false", line: JOE },
    ]);
  });

  test.for([
    { name: "an empty file", text: "" },
    { name: "an empty line", text: "\n\n" },
    { name: "a comment", text: "# joe:x:1001:1001::/home/joe" },
    { name: "a field too few", text: "joe:x:1001:1001::/home/joe" },
    { name: "a field too many", text: `${JOE}:more` },
    { name: "a uid that is no number", text: "joe:x:-1:1001::/home/joe:/bin/false" },
    { name: "a uid beyond the highest", text: "joe:x:4294967295:1001::/home/joe:/bin/false" },
    { name: "a uid in hexadecimal", text: "joe:x:0x3e9:1001::/home/joe:/bin/false" },
    { name: "a uid with a space", text: "joe:x: 1001:1001::/home/joe:/bin/false" },
    { name: "a gid that is no number", text: "joe:x:1001:one::/home/joe:/bin/false" },
    { name: "a name with an escape in it", text: "jo\u001be:x:1001:1001::/home/joe:/bin/false" },
    { name: "a name too long for an account", text: `${"j".repeat(256)}:x:1001:1001::/:/bin/false` },
    { name: "an empty name", text: ":x:1001:1001::/home/joe:/bin/false" },
    { name: "an empty uid", text: "joe:x::1001::/home/joe:/bin/false" },
    { name: "a name service's mark", text: "+::::::" },
  ])("passes over $name", ({ text }) => {
    expect(parsePasswd(text)).toEqual([]);
  });

  test("takes the highest uid there is", () => {
    expect(parsePasswd("joe:x:4294967294:1001::/:/bin/false")).toMatchObject([{ uid: 4_294_967_294 }]);
  });

  test("reads what is whole of any text, each line as it stands", () => {
    const text = fc.string({ unit: fc.constantFrom(..."joe:x:10:/\n\r\t#+-é\u0000".split("")) });
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 5 }), (noise, at) => {
        const lines = noise.split("\n");
        lines.splice(at, 0, JOE);
        const logins = parsePasswd(lines.join("\n"));
        expect(logins).toContainEqual(expect.objectContaining({ name: "joe", uid: 1001, line: JOE }));
        for (const { name, uid, line } of logins) {
          const [first, , third] = line.split(":");
          expect([first, Number(third)]).toEqual([name, uid]);
        }
        parseGroups(noise);
      }),
    );
  });

  test("takes an empty shell and an empty home as they are", () => {
    expect(parsePasswd("joe:x:1001:1001:::")).toMatchObject([{ home: "", shell: "" }]);
  });
});

test("parseGroups() reads members, none and several", () => {
  expect(parseGroups("sudo:x:27:amy,joe\njoe:x:1001:\nbad:x:y:z\n")).toMatchObject([
    { name: "sudo", gid: 27, members: ["amy", "joe"] },
    { name: "joe", gid: 1001, members: [] },
  ]);
});

describe("tunnelLogins()", () => {
  const login = (name: string, uid: number) => `${name}:x:${uid}:${uid}::/home/${name}:/bin/false`;
  const named = (lines: readonly string[], minUid = 1000) => {
    const { logins, refused } = tunnelLogins(parsePasswd(lines.join("\n")), minUid);
    return { logins: logins.map(({ name }) => name), refused };
  };

  test("takes those from the lowest uid on", () => {
    expect(named([login("root", 0), login("www-data", 33), login("amy", 999), login("joe", 1000)])).toEqual({
      logins: ["joe"],
      refused: [],
    });
  });

  test("leaves nobody out, by name and by number", () => {
    expect(named([login("nobody", 65_534), login("anyone", 65_534), login("nobody", 70_000)]).logins).toEqual(
      [],
    );
  });

  test("refuses all names of a shared uid, and says with whom", () => {
    expect(named([login("joe", 1001), login("jim", 1001), login("amy", 1002)])).toEqual({
      logins: ["amy"],
      refused: [
        { name: "joe", why: "its uid 1001 is also that of jim" },
        { name: "jim", why: "its uid 1001 is also that of joe" },
      ],
    });
  });

  test("refuses a name that stands there twice", () => {
    expect(named([login("joe", 1001), login("joe", 1002)])).toMatchObject({
      logins: [],
      refused: [{ name: "joe" }, { name: "joe" }],
    });
  });
});

test("LoginFile notices a file that was changed, and one that took its place", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-logins-"));
  const path = join(folder.path, "passwd");
  await writeFile(path, `${JOE}\n`);
  const file = new LoginFile(path);
  expect(file.changed()).toBe(true);
  expect(file.read()).toHaveLength(1);
  expect(file.changed()).toBe(false);
  await writeFile(path, `${JOE}\n${JOE.replace("joe", "jim")}\n`);
  expect(file.changed()).toBe(true);
  expect(file.read()).toHaveLength(2);
  await writeFile(`${path}.new`, `${JOE}\n${JOE.replace("joe", "amy")}\n`);
  await rename(`${path}.new`, path);
  expect(file.changed()).toBe(true);
  expect(file.read().map(({ name }) => name)).toEqual(["joe", "amy"]);
});

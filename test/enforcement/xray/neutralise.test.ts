import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { secretsIn } from "../../../src/enforcement/xray/config-secrets.ts";
import { freshSecret } from "../../../src/enforcement/xray/fresh-secret.ts";
import { planNeutralise, restoreHeld } from "../../../src/enforcement/xray/neutralise.ts";
import { type UserName, userName } from "../../../src/names.ts";
import { readEngineConfig } from "../../../src/sources/xray/engine-config.ts";
import { randomConfig } from "./random-config.ts";

const autoscript = fixture("autoscript.json");
const tagged = fixture("tagged.json");

describe("planNeutralise()", () => {
  test("replaces the ids of exactly that user, in every inbound, and nothing else", () => {
    const { text, held } = planNeutralise(autoscript, users("joe"), "all", () => "OURS");
    expect(text).toBe(
      autoscript
        .replace("3c1c1d94-6987-4658-a4dc-8821a30fe7e3", "OURS")
        .replace("4d1c1d94-6987-4658-a4dc-8821a30fe7e4", "OURS"),
    );
    expect(held).toEqual([
      {
        user: "joe",
        inbound: { index: 1, tag: undefined, protocol: "vless" },
        field: "id",
        original: '"3c1c1d94-6987-4658-a4dc-8821a30fe7e3"',
        ours: "OURS",
      },
      {
        user: "joe",
        inbound: { index: 2, tag: undefined, protocol: "vmess" },
        field: "id",
        original: '"4d1c1d94-6987-4658-a4dc-8821a30fe7e4"',
        ours: "OURS",
      },
    ]);
  });

  test.for([
    {
      name: "leaves the inbounds alone that were not asked for",
      user: "alice@example.com",
      inbounds: new Set([1]),
      want: ["vmess-in id uuid"],
    },
    {
      name: "replaces a password written with escapes",
      user: "we>>>ird usér",
      inbounds: "all",
      want: ["trojan-in password password"],
    },
    {
      name: "replaces the one password of a Shadowsocks inbound",
      user: "dave",
      inbounds: "all",
      want: ["ss-in password password"],
    },
    {
      name: "gives a 2022 user a key of 16 bytes",
      user: "erin",
      inbounds: "all",
      want: ["ss22-in password key-16"],
    },
    {
      name: "gives the one 2022 user a key of 32 bytes",
      user: "frank",
      inbounds: "all",
      want: ["ss22-one password key-32"],
    },
    { name: "replaces what hysteria asks for", user: "gina", inbounds: "all", want: ["hy-in auth password"] },
    {
      name: "replaces a socks user's password",
      user: "hans",
      inbounds: "all",
      want: ["socks-in pass password"],
    },
    { name: "finds nothing in another case", user: "DAVE", inbounds: "all", want: [] },
    { name: "finds nothing for a part of a name", user: "dav", inbounds: "all", want: [] },
    { name: "finds nothing for an unknown user", user: "nobody", inbounds: "all", want: [] },
  ] as const)("$name", ({ user, inbounds, want }) => {
    const { text, held } = planNeutralise(tagged, users(user), inbounds, (kind) => `${kind}!`);
    expect(held.map(({ inbound, field, ours }) => `${inbound.tag} ${field} ${ours.slice(0, -1)}`)).toEqual(
      want,
    );
    expect(text === tagged).toBe(want.length === 0);
  });

  test("never takes a dot for any character", () => {
    const { held } = planNeutralise(autoscript, users("axb"), "all", freshSecret);
    expect(held).toEqual([]);
    expect(planNeutralise(autoscript, users("a.b"), "all", freshSecret).held).toHaveLength(1);
  });

  test("takes the last of two ids, which is the one the engine uses", () => {
    const text =
      '{"inbounds":[{"protocol":"vless","settings":{"clients":[{"id":"1","ID":"2","email":"joe"}]}}]}';
    expect(planNeutralise(text, users("joe"), "all", () => "3").text).toBe(text.replace('"2"', '"3"'));
  });

  test("throws on a file cut off anywhere, instead of finding fewer users", () => {
    for (let length = 0; length < autoscript.trimEnd().length; length += 11) {
      expect(() => planNeutralise(autoscript.slice(0, length), users("joe"), "all", freshSecret)).toThrow(
        SyntaxError,
      );
    }
  });
});

describe("restoreHeld()", () => {
  const shut = planNeutralise(autoscript, users("joe", "carol"), "all", freshSecret);
  const inserted = shut.text.replace(
    '"inbounds": [',
    '"inbounds": [{"protocol": "vless", "settings": {"clients": []}},',
  );

  test.for([
    { name: "puts everything back byte for byte", edit: (text: string) => text, back: 3 },
    { name: "finds the entries again when an inbound was added in front", edit: () => inserted, back: 3 },
    {
      name: "leaves an entry alone that a script gave a new id",
      edit: (text: string) => text.replace(shut.held[0]?.ours ?? "?", "renewed"),
      back: 2,
    },
    {
      name: "leaves an entry alone that now bears another name",
      edit: (text: string) => text.replace('"email": "carol"', '"email": "carl"'),
      back: 2,
    },
    { name: "reports all as foreign when the inbounds are gone", edit: () => "{}", back: 0 },
  ])("$name", ({ edit, back }) => {
    const text = edit(shut.text);
    const result = restoreHeld(text, shut.held);
    expect([result.restored.length, result.foreign.length]).toEqual([back, 3 - back]);
    expect([...result.restored, ...result.foreign].toSorted(byOurs)).toEqual(shut.held.toSorted(byOurs));
    const want = result.restored.reduce(
      (so, { ours, original }) => so.replace(JSON.stringify(ours), () => original),
      text,
    );
    expect(result.text).toBe(want);
  });

  test("gives each of two entries its own original back, also when their inbounds changed places", () => {
    const text = '{"inbounds":[A,B]}';
    const inbound = (tag: string, id: string): string =>
      `{"tag":"${tag}","protocol":"vless","settings":{"clients":[{"email":"joe","id":"${id}"}]}}`;
    const before = text.replace("A", inbound("x", "1")).replace("B", inbound("y", "2"));
    const { held } = planNeutralise(before, users("joe"), "all", () => "same");
    const swapped = text.replace("A", inbound("y", "same")).replace("B", inbound("x", "same"));
    expect(restoreHeld(swapped, held).text).toBe(
      text.replace("A", inbound("y", "2")).replace("B", inbound("x", "1")),
    );
  });

  test("restores once: the second time all is foreign", () => {
    const { text } = restoreHeld(shut.text, shut.held);
    expect(restoreHeld(text, shut.held)).toEqual({ text, restored: [], foreign: shut.held });
  });
});

describe("for any users, layout and comments", () => {
  const choice = fc.tuple(randomConfig, fc.infiniteStream(fc.boolean())).map(([config, coins]) => ({
    ...config,
    due: config.users.filter(() => coins.next().value),
  }));

  test("neutralising and restoring gives back the identical text", () => {
    fc.assert(
      fc.property(choice, ({ text, due }) => {
        const shut = planNeutralise(text, new Set(due as UserName[]), "all", freshSecret);
        expect(restoreHeld(shut.text, shut.held)).toEqual({ text, restored: shut.held, foreign: [] });
      }),
    );
  });

  test("neutralising changes the secrets of the due users, all of them, and no other byte", () => {
    fc.assert(
      fc.property(choice, ({ text, due }) => {
        const before = secretsIn(text);
        const shut = planNeutralise(text, new Set(due as UserName[]), "all", freshSecret);
        const after = secretsIn(shut.text);
        expect(shut.held).toHaveLength(due.length * 4);
        expect(gapsOf(shut.text, after)).toEqual(gapsOf(text, before));
        for (const [index, { user, place }] of before.entries()) {
          expect(after[index]?.place.value === place.value).toBe(!due.includes(user));
        }
      }),
    );
  });
});

test("the reader and the surgeon find the same users in the same inbounds", () => {
  for (const text of [autoscript, tagged]) {
    const read = readEngineConfig(text).inbounds.flatMap(({ index, clients }) =>
      clients.map(({ email }) => `${index} ${email}`),
    );
    expect(secretsIn(text).map(({ inbound, user }) => `${inbound.index} ${user}`)).toEqual(read);
  }
});

/** What stands between the secrets. */
function gapsOf(text: string, secrets: ReturnType<typeof secretsIn>): string[] {
  const ends = secrets.map(({ place }) => place).toSorted((a, b) => a.start - b.start);
  return [
    ...ends.map(({ start }, index) => text.slice(ends[index - 1]?.end ?? 0, start)),
    text.slice(ends.at(-1)?.end ?? 0),
  ];
}

function byOurs(a: { ours: string }, b: { ours: string }): number {
  return a.ours.localeCompare(b.ours);
}

function users(...names: string[]): Set<UserName> {
  return new Set(names.map(userName));
}

function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/xray/${name}`, import.meta.url), "utf8");
}

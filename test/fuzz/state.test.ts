/** State files may be damaged in any way: what cannot be used is said, and never taken for something else. */
import { mkdir, mkdtempDisposable, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { DamagedStateError } from "../../src/errors.ts";
import { accountDocument, accountOf } from "../../src/storage/account-format.ts";
import { readJournal } from "../../src/storage/journal.ts";
import { keepersDocument, keepersOf } from "../../src/storage/keepers-format.ts";
import { StateFolder } from "../../src/storage/state-folder.ts";
import { unixTime } from "../../src/units.ts";
import { account, keeper, keepers } from "../storage/accounts.ts";
import { allowing, FEW, fuzz, fuzzed, INPUTS, SEED, TIMEOUT } from "./inputs.ts";

const ACCOUNTS = [
  JSON.stringify(accountDocument({ ...account("joe", { total: 7 }), foreign: { note: [1, { a: null }] } })),
  JSON.stringify(
    accountDocument({ ...account("é@x", { total: 2 ** 50 }), period: { kind: "monthly", day: 31 } }),
  ),
];
const KEEPERS = [
  JSON.stringify(keepersDocument(keepers(3, keeper("e2", { pastEpochs: [keeper("e1").epoch] })))),
  JSON.stringify(keepersDocument({ ...keepers(0), keepers: new Map() })),
];
const DOCUMENT_ERRORS = [RangeError, SyntaxError, TypeError];
const lineOf = (json: string) => `${crc32(json).toString(16).padStart(8, "0")} ${json}`;

describe("account documents", () => {
  test("throw nothing but the documented errors, and what is read is written the same", {
    timeout: TIMEOUT,
  }, () => {
    let read = 0;
    fuzz(ACCOUNTS, (input) => {
      allowing(DOCUMENT_ERRORS, () => {
        const first = accountOf(JSON.parse(input.toString("utf8")));
        read += 1;
        const again = accountOf(JSON.parse(JSON.stringify(accountDocument(first))));
        if (JSON.stringify(accountDocument(again)) !== JSON.stringify(accountDocument(first))) {
          throw new Error("came back otherwise");
        }
      });
    });
    expect(read).toBeGreaterThan(0);
  });
});

describe("keeper documents", () => {
  test("throw nothing but the documented errors, and hold only epochs that are text", {
    timeout: TIMEOUT,
  }, () => {
    let read = 0;
    fuzz(
      KEEPERS,
      (input) => {
        allowing(DOCUMENT_ERRORS, () => {
          const { keepers: found, sequence } = keepersOf(JSON.parse(input.toString("utf8")));
          read += 1;
          const epochs = [...found.values()].flatMap(({ epoch, pastEpochs }) => [epoch, ...pastEpochs]);
          if (!Number.isSafeInteger(sequence) || epochs.some((epoch) => typeof epoch !== "string")) {
            throw new Error("read what it should not");
          }
        });
      },
      FEW,
    );
    expect(read).toBeGreaterThan(0);
  });
});

describe("journals", () => {
  const samples = [
    ...ACCOUNTS.map((json) => lineOf(`{"account":${json}}`)),
    lineOf('{"deleted":"joe","sequence":3}'),
  ];

  test("give back whole entries only, whatever stands between them", { timeout: TIMEOUT }, async () => {
    await using root = await mkdtempDisposable(join(tmpdir(), "sluice-fuzz-"));
    const path = join(root.path, ".journal");
    const perFile = 2000;
    for (let batch = 0; batch * perFile < INPUTS; batch++) {
      const lines = fuzzed(samples, perFile, SEED + batch).flatMap((line) => [line, Buffer.from("\n")]);
      await writeFile(path, Buffer.concat([...lines, Buffer.from(`${samples[0]}\n`)]));
      const { entries, torn } = await readJournal(path);
      expect(entries.at(-1), `seed ${SEED + batch}`).toEqual(JSON.parse((samples[0] ?? "").slice(9)));
      expect(torn).toBeGreaterThan(0);
      for (const entry of entries) expect(samples).toContain(lineOf(JSON.stringify(entry)));
    }
  });
});

describe("state folders", () => {
  test("load, or throw DamagedStateError, and never lose a good account beside a bad one", {
    timeout: TIMEOUT,
  }, async () => {
    await using root = await mkdtempDisposable(join(tmpdir(), "sluice-fuzz-"));
    const entries = [
      ...ACCOUNTS.map((json) => `{"account":${json}}`),
      ...KEEPERS.map((json) => `{"keepers":${json}}`),
      '{"deleted":"joe","sequence":3}',
    ];
    const rounds = Math.ceil(INPUTS / 500);
    const files = fuzzed(ACCOUNTS, rounds);
    const keeperFiles = fuzzed(KEEPERS, rounds, SEED + 1);
    const journals = fuzzed(entries, rounds, SEED + 2);
    let loaded = 0;
    for (let round = 0; round < rounds; round++) {
      const directory = join(root.path, String(round));
      await mkdir(directory);
      const journal = (journals[round] as Buffer).toString("utf8").replaceAll("\n", " ");
      await writeFile(join(directory, "joe.json"), files[round] as Buffer);
      await writeFile(
        join(directory, "amy.json"),
        JSON.stringify(accountDocument(account("amy", { total: 5 }))),
      );
      if (round % 3 === 0) await writeFile(join(directory, "keepers.json"), keeperFiles[round] as Buffer);
      await writeFile(join(directory, ".journal"), `${lineOf(journal)}\n`);
      await using folder = new StateFolder({ directory, fileMode: 0o640, owner: undefined });
      try {
        const { accounts, unusable } = await folder.load(unixTime(1));
        loaded += 1;
        const amy = [...accounts.values()].find(({ name }) => name === "amy");
        expect(amy?.usage.totalCounted, `round ${round} of seed ${SEED}`).toBe(5);
        const joe = [...accounts.keys()].some((name) => name === "joe");
        const deleted = journal.includes("deleted");
        expect(joe || deleted || unusable.has("joe"), `round ${round} of seed ${SEED}`).toBe(true);
      } catch (error) {
        if (!(error instanceof DamagedStateError)) {
          throw new Error(`Failed in round ${round} of seed ${SEED}: ${String(error)}`, { cause: error });
        }
      }
      await rm(directory, { recursive: true });
    }
    expect(loaded).toBeGreaterThan(0);
  });
});

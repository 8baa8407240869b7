/** Old files were edited by hand and torn by crashes, and a backup comes from anywhere: no byte of them may do harm. */
import { describe, expect, test } from "vitest";
import { RefusedRequestError } from "../../src/errors.ts";
import { parseLegacyHosts } from "../../src/hosts/legacy-hosts.ts";
import { LocalTimes } from "../../src/hosts/local-times.ts";
import { parseJsonc } from "../../src/jsonc.ts";
import { fileNameOf, userName } from "../../src/names.ts";
import { withSetting } from "../../src/settings-text.ts";
import { manifestOf, manifestText } from "../../src/storage/backup/manifest.ts";
import { tarFileOf, tarHeader } from "../../src/storage/backup/tar-header.ts";
import { parseDisabled } from "../../src/storage/legacy/disabled-conf.ts";
import { type LegacyFindings, legacyAccounts } from "../../src/storage/legacy/legacy-accounts.ts";
import { planLegacy } from "../../src/storage/legacy/legacy-plan.ts";
import { parseLimits } from "../../src/storage/legacy/limit-conf.ts";
import { parseQuotaFile } from "../../src/storage/legacy/quota-file.ts";
import { parseUsage } from "../../src/storage/legacy/usage-conf.ts";
import { parseUsageJson } from "../../src/storage/legacy/usage-json.ts";
import { unixTime } from "../../src/units.ts";
import { allowing, fuzz, INPUTS, TIMEOUT } from "./inputs.ts";

const CONF = [
  "\uFEFF# username limit_mb account_type\r\njoe 10240 vmess\r\nann 3e+09 ssh\n\njoe 0 trojan\nbob -5 ssws",
  "joe 9007199254740991\nann 12\nbob 3.2e+09\ncarl\n",
  "joe vmess 2024-12-07\nann ssh 2024-12-07 x\n",
];
const DOCUMENT =
  '{\n  "username": "joe",\n  "daily_usage": 1,\n  "total_usage": 2,\n  "daily_limit": 3,\n  "total_limit": 4,\n  "last_reset": "2024-12-07",\n  "last_update": 5,\n  "baseline_usage": 6,\n  "last_stats": 7\n}\n';
const HOSTS = "www.a.example|SSH|2024-12-07 10:00:00\nb.example|SNI|203.0.113.9|2024-12-07 10:00:01\n# x\n";
const TIMES = new LocalTimes("UTC");
const KNOWN = {
  ...{ logins: new Map([["joe", 1001]]), engineUsers: new Set(["ann", "bob", "carl"]) },
  ...{ archived: new Set<string>(), minUid: 1000 },
};

/** Rows and refusals of any file of theirs. */
function findingsIn(text: string): LegacyFindings {
  const parsed = {
    limits: parseLimits("/l", text),
    baselines: parseUsage("/bw-usage.conf", text),
    lastStats: parseUsage("/bw-last-stats.conf", text),
    disabled: parseDisabled("/d", text),
    documents: parseUsageJson("/j", text),
    quotas: parseQuotaFile("/q", "joe", "vless", text),
    used: parseQuotaFile("/u", "ann", "vless", text),
  };
  const { limits, baselines, lastStats, disabled, documents, quotas, used } = parsed;
  return {
    ...{ limits: limits.rows, baselines: baselines.rows, lastStats: lastStats.rows, disabled: disabled.rows },
    ...{ documents: documents.rows, quotas: quotas.rows, used: used.rows },
    refusals: Object.values(parsed).flatMap(({ refusals }) => refusals),
  };
}

describe("an import", () => {
  test("plans whole bytes for names that can be kept, whatever the files hold", { timeout: TIMEOUT }, () => {
    let planned = 0;
    fuzz(
      [...CONF, DOCUMENT, "1073741824\n"],
      (input) => {
        const legacy = legacyAccounts(findingsIn(input.toString("utf8")), new Map());
        for (const { name, total, used } of planLegacy(legacy, new Map(), KNOWN, true).accounts) {
          planned += 1;
          fileNameOf(userName(name));
          for (const size of [total ?? 0, used ?? 0]) {
            if (!Number.isSafeInteger(size) || size < 0) throw new Error(`took ${size}`);
          }
        }
      },
      Math.ceil(INPUTS / 4),
    );
    expect(planned).toBeGreaterThan(0);
  });

  test("takes lines of hosts that may stand in hosts.log, and no others", { timeout: TIMEOUT }, () => {
    fuzz(
      [HOSTS],
      (input) => {
        for (const line of parseLegacyHosts("f", input, 0, TIMES, unixTime(0)).lines) {
          if (!/^[a-z0-9._:-]+\|[\w-]{1,16}\|[\w.:/]+\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(line)) {
            throw new Error(`took ${JSON.stringify(line)}`);
          }
        }
      },
      Math.ceil(INPUTS / 4),
    );
  });

  test("changes no setting but its own", { timeout: TIMEOUT }, () => {
    const samples = [
      '{ // all\n  "mode": "observe", # x\n  "count": "both",\n}\n',
      '{"a":[{"count":1}],"b":"}"}',
      "{}",
    ];
    fuzz(
      samples,
      (input) => {
        const text = input.toString("utf8");
        allowing([SyntaxError], () => {
          const before = parseJsonc(text);
          const after = parseJsonc(withSetting(text, "count", "uplink"));
          expect(after).toEqual({ ...(before as object), count: "uplink" });
        });
      },
      Math.ceil(INPUTS / 4),
    );
  });
});

test("a backup's headers and manifests are understood or refused", { timeout: TIMEOUT }, () => {
  const file = { name: "hosts/hosts.log", size: 512 };
  const manifest = { madeBy: "1", made: "2026-11-21T14:00:00.000Z", host: "h", accounts: 1 };
  const text = manifestText({ ...manifest, files: [{ ...file, sha256: "0".repeat(64) }] });
  fuzz(
    [text],
    (input) => {
      allowing([SyntaxError, TypeError, RangeError, RefusedRequestError], () => {
        for (const { name } of manifestOf(input.toString("utf8")).files) {
          if (name.includes("..") && !/^[a-z]+\/[^./][^/]*$/.test(name)) throw new Error(`took ${name}`);
        }
      });
      allowing([SyntaxError], () => tarFileOf(Buffer.concat([input, Buffer.alloc(512)]).subarray(0, 512)));
    },
    Math.ceil(INPUTS / 4),
  );
  const header = tarHeader(file, 0);
  for (let bit = 0; bit < 512 * 8; bit++) {
    const turned = Buffer.from(header);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    allowing([SyntaxError], () => {
      const found = tarFileOf(turned);
      if (found?.name !== file.name || found.size !== file.size) throw new Error(`bit ${bit}`);
    });
  }
});

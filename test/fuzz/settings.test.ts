/** What operators write: settings, comments, sizes, names. A typing error is a message, never a crash. */
import { describe, expect, test } from "vitest";
import { parseSettings } from "../../src/config.ts";
import { InvalidSettingsError } from "../../src/errors.ts";
import { blankComments, parseJsonc } from "../../src/jsonc.ts";
import { fileNameOf, userName } from "../../src/names.ts";
import { parsePeriod } from "../../src/rules.ts";
import { formatSize, parseSize } from "../../src/sizes.ts";
import { localDate } from "../../src/units.ts";
import { allowing, FEW, fuzz, TIMEOUT } from "./inputs.ts";

const SETTINGS = [
  '{ "mode": "observe", "tick_ms": 10, // a comment\n "aliases": { "joe@x": "joe" }, "warn_percent": [80, 95], }',
  '{ "xray": [{ "name": "a", "api": "127.0.0.1:10085", "config": null }, { "api": "/run/x.sock" }] # end\n}',
  '{ "openvpn": [{ "name": "server", "management": "/run/m.sock", "status_file": null }], "ssh": null }',
  '{ "time_zone": "Europe/Berlin", "period": "monthly:31", "count": "downlink", "line_rate_mbps": 100 }',
  '{ "web": { "listen": "[::1]:8787", "may_delete": false }, "history": { "minutes_days": 30 }, "fleet": null }',
  '/* all */ { "hosts": { "interfaces": ["any"], "direction": "both", "max_hosts": 1000 }, "flush_ms": 2000 }',
];

describe("settings", () => {
  test("are read, or refused with the documented errors; JSON is read as JSON is", {
    timeout: TIMEOUT,
  }, () => {
    let good = 0;
    fuzz(SETTINGS, (input) => {
      const text = input.toString("utf8");
      if (blankComments(text).length !== text.length) throw new Error("a character has moved");
      let content: unknown;
      try {
        content = parseJsonc(text);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        if (isJson(text)) throw new Error("refused what is JSON", { cause: error });
        return;
      }
      if (isJson(text) && JSON.stringify(content) !== JSON.stringify(JSON.parse(text))) {
        throw new Error("read otherwise than JSON is");
      }
      allowing([InvalidSettingsError], () => {
        parseSettings("sluice.json", content, {}, "UTC");
        good += 1;
      });
    });
    expect(good).toBeGreaterThan(0);
  });
});

describe("words on the command line", () => {
  test("sizes: nothing but SyntaxError or RangeError, and what is read is written again", {
    timeout: TIMEOUT,
  }, () => {
    let read = 0;
    fuzz(
      ["500MB", "10GB", "1.5GiB", "20k", "1 TB", "0", "9007199254740991B", "0.0001k"],
      (input) => {
        allowing([SyntaxError, RangeError], () => {
          const size = parseSize(input.toString("utf8"));
          read += 1;
          if (!Number.isSafeInteger(size) || size < 0) throw new Error(`read ${size}`);
          if (!/^\d+(\.\d\d)? (B|[KMGT]B)$/.test(formatSize(size))) throw new Error(formatSize(size));
        });
      },
      FEW,
    );
    expect(read).toBeGreaterThan(0);
  });

  test("periods and dates: nothing but SyntaxError", { timeout: TIMEOUT }, () => {
    fuzz(
      ["never", "weekly", "monthly", "monthly:31", "30d", "2026-11-21", "2028-02-29"],
      (input) => {
        const text = input.toString("utf8");
        allowing([SyntaxError], () => parsePeriod(text));
        allowing([SyntaxError], () => localDate(text));
      },
      FEW,
    );
  });

  test("user names: nothing but RangeError, and no file name leaves its folder", { timeout: TIMEOUT }, () => {
    fuzz(
      ["joe", "joe@example.org", "../../etc/passwd", ".hidden", "é日本", "a b>>>c", "x".repeat(240)],
      (input) => {
        allowing([RangeError], () => {
          const file = fileNameOf(userName(input.toString("utf8")));
          if (!/^[A-Za-z0-9_%@-][A-Za-z0-9._%@-]*$/.test(file)) throw new Error(`made ${file}`);
        });
      },
      FEW,
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

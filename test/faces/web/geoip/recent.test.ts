import { expect, test } from "vitest";
import { Recent } from "../../../../src/faces/web/geoip/recent.ts";

test("Recent asks once for each of the last few, and again for what was not wanted for long", () => {
  const asked: string[] = [];
  const recent = new Recent<string>(3);
  const get = (keys: string) => {
    for (const key of keys) recent.get(key, (found) => `${asked.push(found)}`);
  };
  get("abcabc");
  expect(asked.join("")).toBe("abc");
  get("dae"); // "a" is among the older ones, and young again
  expect(asked.join("")).toBe("abcde");
  get("fabc");
  expect(asked.join("")).toBe("abcdefbc");
  recent.clear();
  get("a");
  expect(asked.join("")).toBe("abcdefbca");
});

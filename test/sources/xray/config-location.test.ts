import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { locateEngineConfig } from "../../../src/sources/xray/config-location.ts";

describe("locateEngineConfig() believes the engine's arguments", () => {
  test.for([
    { name: "-c FILE", argv: ["xray", "run", "-c", "/srv/a.json"], want: "/srv/a.json" },
    { name: "-config FILE", argv: ["v2ray", "-config", "/srv/a.json"], want: "/srv/a.json" },
    { name: "--config=FILE", argv: ["xray", "run", "--config=/srv/a=b.json"], want: "/srv/a=b.json" },
    {
      name: "a relative file in the engine's folder",
      argv: ["xray", "-c", "bin/a.json"],
      want: "/opt/x/bin/a.json",
    },
    { name: "two files as no single one", argv: ["xray", "-c", "/a.json", "-c", "/b.json"], want: undefined },
    { name: "a folder as no single one", argv: ["xray", "run", "-confdir", "/etc/xray"], want: undefined },
    {
      name: "a folder beside a file as no single one",
      argv: ["xray", "-c", "/a.json", "--confdir=/b"],
      want: undefined,
    },
    { name: "the standard input as none", argv: ["xray", "-c", "stdin:"], want: undefined },
    { name: "a URL as none", argv: ["xray", "-c", "https://example.com/c.json"], want: undefined },
    { name: "a cut-off option as none", argv: ["xray", "-c"], want: undefined },
  ])("$name", async ({ argv, want }) => {
    expect(await locateEngineConfig({ argv, cwd: "/opt/x" }, [import.meta.filename])).toBe(want);
  });

  test("and gives up on a relative file when the folder is not known", async () => {
    expect(
      await locateEngineConfig({ argv: ["xray", "-c", "a.json"] }, [import.meta.filename]),
    ).toBeUndefined();
  });
});

describe("locateEngineConfig() without arguments", () => {
  test("takes the first place that has a file", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    const [first, second, third] = ["a", "b", "c"].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(second, "{}");
    await writeFile(third, "{}");
    expect(
      await locateEngineConfig({ argv: ["/usr/bin/xray", "run"] }, [
        first,
        join(third, "below"),
        second,
        third,
      ]),
    ).toBe(second);
  });

  test("finds nothing where there is nothing", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
    expect(await locateEngineConfig({}, [join(folder.path, "missing")])).toBeUndefined();
  });
});

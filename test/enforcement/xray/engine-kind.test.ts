import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { engineVersion, isFrom } from "../../../src/enforcement/xray/engine-kind.ts";
import { commandPath, needs } from "../../support/requirements.ts";

describe("engineVersion()", () => {
  test.for([
    {
      name: "Xray",
      script: 'echo "Xray 26.7.28 (Xray, Penetrates Everything.) Custom (go1.26.0 linux/amd64)"',
      want: { kind: "xray", version: "26.7.28" },
    },
    {
      name: "V2Ray 4",
      script: 'echo "V2Ray 4.45.2 (V2Fly, a community-driven edition of V2Ray.)"',
      want: { kind: "v2ray4", version: "4.45.2" },
    },
    {
      name: "V2Ray 5, which refuses the option",
      script: "echo unknown command >&2; exit 2",
      want: { kind: "v2ray5", version: undefined },
    },
  ])("tells $name", async ({ script, want }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-kind-"));
    const program = join(folder.path, "engine");
    await writeFile(program, `#!/bin/sh\n[ "$1" = -version ] || exit 9\n${script}\n`, { mode: 0o755 });
    expect(await engineVersion(program)).toEqual(want);
  });

  const missing = needs("v2ray");
  test.skipIf(missing)(`tells the real V2Ray${missing}`, async () => {
    const { kind, version } = await engineVersion(commandPath("v2ray") as string);
    expect([kind, version]).toEqual(["v2ray4", expect.stringMatching(/^4\.\d+\.\d+$/)]);
  });
});

test.for([
  ["1.8.12", "1.8.12", true],
  ["1.8.11", "1.8.12", false],
  ["1.8.9", "1.8.10", false],
  ["1.9.0", "1.8.12", true],
  ["25.1.1", "1.8.12", true],
  ["1.7.99", "1.8.0", false],
  [undefined, "1.8.0", false],
] as const)("isFrom(%s, %s) is %s", ([version, least, want]) => {
  expect(isFrom(version, least)).toBe(want);
});

import { cp, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { needs } from "../support/requirements.ts";
import { startCommand } from "./loopback.ts";

interface Report {
  readonly outcomes: readonly Readonly<Record<string, string>>[];
  readonly refused: readonly string[];
  readonly before: Readonly<Record<string, string>>;
  readonly withoutOurs: Readonly<Record<string, string>>;
  readonly withoutCrowd: Readonly<Record<string, string>>;
  readonly delivers: readonly boolean[];
  readonly afterwards: Readonly<Record<string, string>>;
  readonly unprivileged: string;
}

const root = join(import.meta.dirname, "../..");
const missing = needs("root", "unshare", "nft", "ip", "conntrack");

describe.for(["netlink", "the command"] as const)("Conntrack by %s", (way) => {
  describe.skipIf(missing)(`on live connections${missing}`, () => {
    let report: Report;
    beforeAll(async () => {
      report = way === "netlink" ? await runIn(root) : await runWithoutKoffi();
    }, 60_000);

    test.for([
      { name: "marks a flow that its local end opened", key: "opened", expected: "marked" },
      { name: "marks a flow that its remote end opened", key: "answered", expected: "marked" },
      { name: "says of a flow with this mark that it has it", key: "again", expected: "marked" },
      { name: "finds one flow over the loopback from both ends", key: "fromItsOtherEnd", expected: "marked" },
      { name: "takes a mapped address for IPv4", key: "mapped", expected: "marked" },
      { name: "leaves another mark of ours alone", key: "another", expected: "taken" },
      { name: "leaves a foreign mark alone", key: "foreign", expected: "taken" },
      { name: "misses a flow that is not there", key: "gone", expected: "gone" },
      { name: "finds nothing between ends of two families", key: "ofTwoFamilies", expected: "gone" },
    ])("markFlow() $name", ({ key, expected }) => {
      expect(report.outcomes.map((outcomes) => outcomes[key])).toEqual([expected, expected]);
    });

    test("markFlow() has set just the marks it said it set", () => {
      expect(report.before).toEqual({
        ...entries(4000, "1 x 51000008"),
        ...entries(4001, "1 x 51000009"),
        ...entries(4002, "1 x 77"),
        ...entries(4003, "300 x 51000020"),
        ...entries(4004, "1 x 51000028"),
        ...entries(4005, "1 x 51000020"),
        ...entries(4006, "1 x 0"),
      });
    });

    test("forgetMarked() forgets an account's flows of both families and no others", () => {
      expect(report.withoutOurs).toEqual({
        ...entries(4002, "1 x 77"),
        ...entries(4003, "300 x 51000020"),
        ...entries(4004, "1 x 51000028"),
        ...entries(4005, "1 x 51000020"),
        ...entries(4006, "1 x 0"),
      });
    });

    test("forgetMarked() forgets hundreds, those in another zone too, and then finds none", () => {
      expect(report.withoutCrowd).toEqual({
        ...entries(4002, "1 x 77"),
        ...entries(4004, "1 x 51000028"),
        ...entries(4006, "1 x 0"),
      });
    });

    test("a forgotten flow runs on, as a new one without a mark", () => {
      expect(report.delivers).toEqual([true, true]);
      expect(report.afterwards).toEqual({ ...report.withoutCrowd, ...entries(4000, "1 x 0") });
    });

    test("nothing is taken for an order to forget what has no mark", () => {
      expect(report.refused).toEqual(Array(4).fill(expect.stringMatching(/^RangeError: Cannot use 0x/)));
    });

    test("openConntrack() says what is missing without CAP_NET_ADMIN", () => {
      expect(report.unprivileged).toMatch(/^KernelUnavailableError: .*CAP_NET_ADMIN/);
    });
  });
});

/** The same mark in both families. */
function entries(port: number, marks: string): Record<string, string> {
  return { [`${port} ipv4`]: marks, [`${port} ipv6`]: marks };
}

async function runIn(folder: string): Promise<Report> {
  const program = join(folder, "test/kernel/programs/conntrack-flows.ts");
  await using child = startCommand("unshare", ["-n", "--", process.execPath, program]);
  return JSON.parse(await child.line()) as Report;
}

/** A copy of the sources that has no packages. */
async function runWithoutKoffi(): Promise<Report> {
  await using copy = await mkdtempDisposable(join(tmpdir(), "sluice-conntrack-"));
  for (const path of [
    "src/kernel",
    "src/addresses.ts",
    "src/address-text.ts",
    "src/errors.ts",
    "test/kernel/programs",
  ]) {
    await cp(join(root, path), join(copy.path, path), { recursive: true });
  }
  await writeFile(join(copy.path, "package.json"), '{ "type": "module" }');
  // The copy stays until the program has ended.
  const report = await runIn(copy.path);
  return report;
}

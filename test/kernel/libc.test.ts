import { cp, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checked, libc, SystemCallError } from "../../src/kernel/libc.ts";
import { hasSs, listen, startCommand } from "./loopback.ts";

const root = join(import.meta.dirname, "../..");

describe("libc()", () => {
  test("tells the error number of a failed call", () => {
    const calls = libc();
    const close = () => checked(calls, calls.close(-1), "Cannot close a descriptor");
    expect(close).toThrow(SystemCallError);
    expect(close).toThrow("Cannot close a descriptor: EBADF, bad file descriptor");
  });

  test.skipIf(!hasSs)(
    "says what is missing where koffi is not installed, and sockets are reached through ss (needs iproute2)",
    async () => {
      await using copy = await mkdtempDisposable(join(tmpdir(), "sluice-kernel-"));
      for (const path of [
        "src/kernel",
        "src/addresses.ts",
        "src/address-text.ts",
        "src/errors.ts",
        "src/units.ts",
        "test/kernel/programs",
      ]) {
        await cp(join(root, path), join(copy.path, path), { recursive: true });
      }
      await writeFile(join(copy.path, "package.json"), '{ "type": "module" }');
      await using loopback = await listen("127.0.0.1");
      await loopback.connect("127.0.0.1");
      const program = join(copy.path, "test/kernel/programs/without-koffi.ts");

      await using child = startCommand(process.execPath, [program, `${loopback.port}`]);
      const [lacking, synchronised, listed] = JSON.parse(await child.line()) as unknown[];
      expect(lacking).toMatch(
        /^KernelUnavailableError: Cannot call the C library: .*koffi is missing.*install/,
      );
      expect(synchronised).toBe("unknown");
      expect(listed).toBe(1);

      await using bare = startCommand(process.execPath, [program, `${loopback.port}`], { PATH: copy.path });
      const [, , neither] = JSON.parse(await bare.line()) as unknown[];
      expect(neither).toMatch(
        /^KernelUnavailableError: .*koffi is missing.*; Cannot run "ss -V": it takes iproute2/,
      );
    },
  );
});

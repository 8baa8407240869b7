import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checked, libc } from "../../src/kernel/libc.ts";
import { notifySystemd } from "../../src/kernel/notify.ts";

describe("notifySystemd()", () => {
  test("hands the lines over in one datagram", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "sluice-notify-"));
    const path = join(directory.path, "notify");
    using systemd = datagramSocket(`${path}\0`);
    expect(notifySystemd("READY=1\nSTATUS=Metering 3 users", path)).toBe(true);
    expect(notifySystemd("WATCHDOG=1", path)).toBe(true);
    expect(systemd.receive()).toBe("READY=1\nSTATUS=Metering 3 users");
    expect(systemd.receive()).toBe("WATCHDOG=1");
  });

  test("finds a socket in the abstract namespace", () => {
    const name = `sluice-notify-${process.pid}`;
    using systemd = datagramSocket(`\0${name}`);
    expect(notifySystemd("STOPPING=1", `@${name}`)).toBe(true);
    expect(systemd.receive()).toBe("STOPPING=1");
  });

  test.for([undefined, ""])("has nobody to tell when NOTIFY_SOCKET is %s", (socketPath) => {
    expect(notifySystemd("READY=1", socketPath)).toBe(false);
  });

  test("does not pretend when nobody listens", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "sluice-notify-"));
    expect(() => notifySystemd("READY=1", join(directory.path, "notify"))).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  test("takes a path of 107 bytes, the longest that ends inside its 108", () => {
    expect(() => notifySystemd("READY=1", `/${"x".repeat(106)}`)).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
    expect(() => notifySystemd("READY=1", `/${"x".repeat(107)}`)).toThrow(RangeError);
    expect(() => notifySystemd("READY=1", "run/notify")).toThrow(RangeError);
  });
});

/** What systemd has: Node offers no unix datagrams. */
function datagramSocket(path: string) {
  const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];
  const calls = libc();
  const descriptor = checked(calls, calls.socket(AF_UNIX, SOCK_DGRAM, 0), "Cannot make a socket");
  const address = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(path)]);
  checked(calls, calls.bind(descriptor, address, address.length), `Cannot bind to ${path}`);
  return {
    receive(): string {
      const buffer = Buffer.alloc(4096);
      const length = checked(
        calls,
        calls.recv(descriptor, buffer, buffer.length, MSG_DONTWAIT),
        "Cannot receive",
      );
      return buffer.toString("utf8", 0, length);
    },
    [Symbol.dispose]: () => void calls.close(descriptor),
  };
}

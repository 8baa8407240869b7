import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { notifySystemd } from "../../src/kernel/notify.ts";
import { datagramSocket } from "../support/datagram-socket.ts";

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

  test("loses what may be lost rather than wait for a systemd that does not read", () => {
    const name = `sluice-notify-full-${process.pid}`;
    using _systemd = datagramSocket(`\0${name}`);
    const fill = () => {
      for (let sent = 0; sent < 10_000; sent += 1) notifySystemd("WATCHDOG=1", `@${name}`, false);
    };
    expect(fill).toThrow(expect.objectContaining({ code: "EAGAIN" }));
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

import { describe, expect, test } from "vitest";
import { nginxTime } from "../../../src/hosts/logs/nginx-time.ts";

describe("nginxTime()", () => {
  test.for([
    { text: "21/Nov/2026:14:03:07 +0700", want: "2026-11-21T07:03:07.000Z" },
    { text: "01/Jan/2027:00:30:00 -0330", want: "2027-01-01T04:00:00.000Z" },
    { text: "29/Feb/2028:23:59:59 +0000", want: "2028-02-29T23:59:59.000Z" },
    { text: "2026-11-21T14:03:07+07:00", want: "2026-11-21T07:03:07.000Z" },
    { text: "2026-12-31T23:59:59-12:00", want: "2027-01-01T11:59:59.000Z" },
  ])("reads $text", ({ text, want }) => {
    expect(new Date(nginxTime(text) ?? Number.NaN).toISOString()).toBe(want);
  });

  test.for([
    { text: "" },
    { text: "21/Foo/2026:14:03:07 +0700" },
    { text: "41/Nov/2026:14:03:07 +0700" },
    { text: "21/Nov/2026:25:03:07 +0700" },
    { text: "2026-13-21T14:03:07+07:00" },
    { text: "2026-11-21T14:03:07" },
    { text: "0026-11-21T14:03:07+07:00" },
    { text: "21/Nov/0026:14:03:07 +0700" },
    { text: "+275760-09-13T00:00:00+00:00" },
    { text: " 21/Nov/2026:14:03:07 +0700" },
  ])("reads nothing of $text", ({ text }) => {
    expect(nginxTime(text)).toBeUndefined();
  });
});

import { describe, expect, test } from "vitest";
import {
  exportPath,
  type HostFilter,
  isOpen,
  listPath,
  PAGE_ROWS,
  SERVICES,
} from "../../../../src/faces/web/page/host-filter.ts";
import * as capture from "../../../../src/hosts/sighting.ts";

const OPEN: HostFilter = { text: "", service: "", source: "" };

test("SERVICES are those the capture knows", () => {
  expect([...SERVICES]).toEqual([...capture.SERVICES]);
});

describe("isOpen()", () => {
  test("is true where nothing is asked for, and false for any of the three", () => {
    expect(isOpen(OPEN)).toBe(true);
    for (const key of ["text", "service", "source"]) expect(isOpen({ ...OPEN, [key]: "x" })).toBe(false);
  });
});

describe("listPath()", () => {
  test("asks for a page of all", () => {
    expect(listPath(OPEN, 400)).toBe(`hosts?offset=400&limit=${PAGE_ROWS}`);
  });

  test("keeps what he wrote from becoming part of the address", () => {
    const path = listPath({ text: " a&limit=9#/", service: "SNI", source: "2001:db8::1" }, 0);
    expect([...new URL(path, "http://localhost").searchParams]).toEqual([
      ["q", "a&limit=9#/"],
      ["service", "SNI"],
      ["source", "2001:db8::1"],
      ["offset", "0"],
      ["limit", String(PAGE_ROWS)],
    ]);
  });
});

test("exportPath() names what is filtered and the form, and no page", () => {
  expect(exportPath({ ...OPEN, text: "a" }, "csv")).toBe("hosts/export?q=a&format=csv");
});

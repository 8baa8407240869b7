import { expect, test } from "vitest";
import { href, routeOf } from "../../../../src/faces/web/page/route.ts";

test.each([
  ["", "overview", []],
  ["#", "overview", []],
  ["#/", "overview", []],
  ["#/accounts", "accounts", []],
  ["#/accounts/bob%2Fsmith%20%D8%A8", "accounts", ["bob/smith ب"]],
  ["#/accounts/100%", "accounts", ["100%"]],
])("routeOf(%j) is the page %s and %j", (hash, page, rest) => {
  expect(routeOf(hash)).toMatchObject({ page, rest });
});

test("routeOf reads what is behind the first question mark as the query", () => {
  const { rest, query } = routeOf("#/accounts/bob?range=7d&q=a?b");
  expect(rest).toEqual(["bob"]);
  expect([...query]).toEqual([
    ["range", "7d"],
    ["q", "a?b"],
  ]);
});

test.each(["bob", "a/b", "50%", "?#&", "کاربر", "..", "a b"])(
  "href and routeOf agree on the name %j",
  (name) => {
    expect(routeOf(href("accounts", name))).toMatchObject({ page: "accounts", rest: [name] });
  },
);

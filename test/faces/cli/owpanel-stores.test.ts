import { describe, expect, test } from "vitest";
import { presentStore, storePath } from "../../../src/faces/cli/owpanel-stores.ts";

describe("storePath()", () => {
  test.each([
    ["history", "OPENVPN_HISTORY_LOG", "/app/data/session_history.json"],
    ["sessions", "OPENVPN_ACTIVE_SESSIONS", "/app/data/active_sessions.json"],
    ["db", "DATABASE_FILE", "/etc/owpanel/openvpn_data/vpn_manager.db"],
  ] as const)("%s: the option, then %s, then %s", (store, name, usual) => {
    const environment = { [name]: "/from/environment" };
    expect(storePath(store, { [store]: "/from/option" }, environment).path).toBe("/from/option");
    expect(storePath(store, {}, environment)).toEqual({ path: "/from/environment", named: true });
    expect(storePath(store, {}, { [name]: "" })).toEqual({ path: usual, named: false });
  });
});

test("presentStore() refuses what was named and is not there, and a folder", async () => {
  await expect(presentStore("db", { db: "/nowhere/x.db" }, {})).rejects.toThrow(/x\.db": .* got nothing/);
  await expect(presentStore("db", { db: "/etc" }, {})).rejects.toThrow(/got something else/);
});

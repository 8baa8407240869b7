import { describe, expect, test } from "vitest";
import type { Family } from "../../../src/kernel/iptables.ts";
import type { FilterTable } from "../../../src/kernel/iptables-save.ts";
import { type Counted, ZERO } from "../../../src/sources/ssh/iptables-rules.ts";
import { foundShut, type Known, startsOf } from "../../../src/sources/ssh/iptables-starts.ts";
import { altered, BOOT, captured, tableOf } from "./iptables-tables.ts";

const METERED = captured("metered-nf_tables");
const SCRIPTS = captured("scripts-nf_tables");
const EMPTY = tableOf();
const OWN = { mark: 0x51000008, boot: BOOT };
/** As METERED has them for 61001. */
const COUNTED: Counted = { uplink: 64_376, localDownlink: 34_590, downlink: 50_580 };

function both(ipv4: FilterTable, ipv6: FilterTable): Map<Family, FilterTable> {
  return new Map([
    ["ipv4", ipv4],
    ["ipv6", ipv6],
  ]);
}

function known(ipv4: Counted, ipv6: Counted): Known {
  return new Map([
    ["ipv4", ipv4],
    ["ipv6", ipv6],
  ]);
}

describe("a login never read before", () => {
  test.for([
    { name: "its chains go on if they stand whole", ipv4: METERED, ipv6: METERED, starts: new Map() },
    { name: "it begins at zero where nothing stands", ipv4: EMPTY, ipv6: EMPTY, starts: known(ZERO, ZERO) },
    {
      name: "it begins at zero in both families if one is gone, since their sum was booked",
      ipv4: METERED,
      ipv6: EMPTY,
      starts: known(ZERO, ZERO),
    },
    {
      name: "it begins at zero if a part of them is gone",
      ipv4: METERED,
      ipv6: altered("metered-nf_tables", /^.*BWI_61001 -m.*\n/m, ""),
      starts: known(ZERO, ZERO),
    },
    {
      name: "it begins at zero if they were made for another account",
      ipv4: METERED,
      ipv6: METERED,
      owner: { mark: 0x51000018, boot: BOOT },
      starts: known(ZERO, ZERO),
    },
    {
      name: "it begins at zero if they were made in another boot and restored",
      ipv4: METERED,
      ipv6: METERED,
      owner: { mark: OWN.mark, boot: "00000000" },
      starts: known(ZERO, ZERO),
    },
    {
      name: "it goes on from a script's bytes, each once, on the first look ever",
      ipv4: SCRIPTS,
      ipv6: EMPTY,
      adopt: true,
      starts: known({ ...ZERO, uplink: 31_132 }, ZERO),
    },
    {
      name: "it begins at zero beside a script's bytes that may have been booked",
      ipv4: SCRIPTS,
      ipv6: EMPTY,
      starts: known(ZERO, ZERO),
    },
    {
      name: "it takes over nothing of an account before it, on the first look ever",
      ipv4: METERED,
      ipv6: EMPTY,
      owner: { mark: 0x51000018, boot: BOOT },
      adopt: true,
      starts: known(ZERO, ZERO),
    },
  ])("$name", ({ ipv4, ipv6, owner = OWN, adopt = false, starts }) => {
    expect(startsOf(both(ipv4, ipv6), 61_001, owner, undefined, adopt)).toEqual(starts);
  });
});

describe("a login that is known", () => {
  const before = known(COUNTED, ZERO);

  test.for([
    { name: "goes on where nothing fell", tables: both(METERED, METERED), before, starts: new Map() },
    {
      name: "is put back to where it stood when its chains vanished",
      tables: both(EMPTY, METERED),
      before,
      starts: new Map([["ipv4", COUNTED]]),
    },
    {
      name: "is put back when somebody zeroed one direction",
      tables: both(altered("metered-nf_tables", /\[11:50580\] -A BWI/, "[0:50579] -A BWI"), METERED),
      before,
      starts: new Map([["ipv4", COUNTED]]),
    },
    {
      name: "goes on when a script flushed its own chain",
      tables: both(altered("metered-nf_tables", /^.* -A BW_61001 .*\n/gm, ""), METERED),
      before,
      starts: new Map(),
    },
    {
      name: "takes over nothing from another account's chains",
      tables: both(altered("metered-nf_tables", /0x51000008\/0xffffffff/, "0x51000018/0xffffffff"), METERED),
      before,
      starts: new Map([["ipv4", COUNTED]]),
    },
  ])("$name", ({ tables, before: counted, starts }) => {
    expect(startsOf(tables, 61_001, OWN, counted, true)).toEqual(starts);
  });
});

describe("a gate that stands", () => {
  const tables = both(METERED, EMPTY);

  test.for([
    { name: "stays shut for the account it was shut for", uid: 61_002, mark: 0x51000010, shut: true },
    { name: "is not the next account's with that uid", uid: 61_002, mark: 0x51000018, shut: false },
    { name: "is not made where none was", uid: 61_001, mark: 0x51000008, shut: false },
  ])("$name", ({ uid, mark, shut }) => {
    expect(foundShut(tables, uid, mark)).toBe(shut);
  });
});

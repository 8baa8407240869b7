/** What stands in an authentication log was sent by strangers: no byte of it may stop the daemon. */
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { parseJournalEntry } from "../../src/logs/journal-entry.ts";
import { type LoginLine, parseLoginLine } from "../../src/logs/login-line.ts";
import { fuzz, TIMEOUT } from "./inputs.ts";

const LINES = [
  "Nov 21 05:51:27 host dropbear[123]: Password auth succeeded for 'joe' from 203.0.113.9:51234",
  "2026-11-21T05:51:27.123456+00:00 host dropbear[7]: Pubkey auth succeeded for 'a' with ssh-rsa key SHA256:x from ::1:1",
  "[123] Nov 21 05:51:27 Password auth succeeded for 'x' from 1.2.3.4:1' from 2001:db8::1:65535",
  "2026-11-21T05:51:27Z host sshd-session[9]: Accepted publickey for joe from fe80::1%eth0 port 1 ssh2: RSA SHA256:y",
];
const ENTRIES = LINES.map((line, index) =>
  JSON.stringify({ _EXE: "/usr/sbin/dropbear", _PID: `${index}`, MESSAGE: line.replace(/^.*?\]: /, "") }),
);

describe.for([
  { name: "parseLoginLine()", samples: LINES, parse: parseLoginLine },
  { name: "parseJournalEntry()", samples: ENTRIES, parse: parseJournalEntry },
])("$name", ({ samples, parse }) => {
  test("never throws, and names only processes, addresses and ports", { timeout: TIMEOUT }, () => {
    let found = 0;
    fuzz(samples, (input) => {
      const login = parse(input.toString("utf8"));
      if (!login) return;
      found += 1;
      if (!isSound(login)) throw new Error(`took ${JSON.stringify(login)}`);
    });
    expect(found).toBeGreaterThan(0);
  });
});

function isSound({ user, pid, address, port }: LoginLine): boolean {
  return user !== "" && Number.isSafeInteger(pid) && pid > 0 && isIP(address) > 0 && port <= 65_535;
}

describe("parseLoginLine()", () => {
  test.for(["' from ", "' with key ", " from 1.2.3.4 port 1 ssh2", "[", " "])(
    "takes no time over a quarter of a megabyte of %j",
    (words) => {
      const began = performance.now();
      for (const head of ["dropbear[1]: Pubkey auth succeeded for '", "sshd[1]: Accepted password for "]) {
        parseLoginLine(`Nov 21 05:51:27 host ${head}${words.repeat(250_000 / words.length)}`);
        parseLoginLine(`Nov 21 05:51:27 host ${head}${words.repeat(4_000 / words.length)}`);
      }
      expect(performance.now() - began).toBeLessThan(500);
    },
  );
});

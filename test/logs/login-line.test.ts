import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseLoginLine, parseLoginText } from "../../src/logs/login-line.ts";

const lines = (file: string) =>
  readFileSync(join(import.meta.dirname, "../fixtures/ssh", file), "utf8").split("\n");
const logins = (file: string) => lines(file).flatMap((line) => parseLoginLine(line) ?? []);

const DROPBEAR = "Nov 21 05:51:27 host dropbear[123]: ";
const SSHD = "Nov 21 05:51:27 host sshd[123]: ";
const FROM_DROPBEAR = { daemon: "dropbear", pid: 123, user: "joe", address: "203.0.113.9", port: 51234 };
const FROM_SSHD = { ...FROM_DROPBEAR, daemon: "sshd" };

describe("parseLoginLine(), on what was really logged", () => {
  const v4 = { user: "slucap1", address: "127.0.0.1" };
  const v6 = { user: "slucap1", address: "::1" };
  const syslog = [
    { ...v4, daemon: "dropbear", pid: 31341, port: 41662, method: "password" },
    { ...v6, daemon: "dropbear", pid: 31346, port: 56162, method: "password" },
    { ...v4, daemon: "dropbear", pid: 31350, port: 41672, method: "pubkey" },
    { ...v6, daemon: "dropbear", pid: 31354, port: 56168, method: "pubkey" },
    { ...v4, daemon: "sshd", pid: 31541, port: 58124, method: "password" },
    { ...v6, daemon: "sshd", pid: 31618, port: 42334, method: "keyboard-interactive/pam" },
    { ...v4, daemon: "sshd", pid: 31629, port: 36296, method: "pubkey" },
  ];
  const stderr = [
    { ...v4, daemon: "dropbear", pid: 31368, port: 42636, method: "password" },
    { ...v6, daemon: "dropbear", pid: 31373, port: 45208, method: "password" },
    { ...v4, daemon: "dropbear", pid: 31377, port: 42644, method: "pubkey" },
    { ...v6, daemon: "dropbear", pid: 31381, port: 45216, method: "pubkey" },
  ];

  test.for([
    { name: "auth.log in syslog's own format", file: "auth-syslog.log", want: syslog },
    { name: "auth.log with ISO 8601 times", file: "auth-iso.log", want: syslog },
    { name: "dropbear's standard error", file: "dropbear-stderr.log", want: stderr },
  ])("finds each login and nothing else in $name", ({ file, want }) => {
    expect(logins(file)).toEqual(want);
  });

  test("takes no login line that was cut off", () => {
    const whole = lines("auth-syslog.log").filter((line) => parseLoginLine(line));
    expect(whole).toHaveLength(syslog.length);
    for (const line of whole) {
      const tail = /\d( ssh2.*)?$/.exec(line)?.[0].length ?? 0;
      for (let length = 0; length <= line.length - tail - 5; length++) {
        expect(parseLoginLine(line.slice(0, length))).toBeUndefined();
      }
    }
  });
});

describe("parseLoginLine()", () => {
  test.for([
    {
      name: "a day of one digit",
      line: "Dec  1 05:51:27 host dropbear[123]: Password auth succeeded for 'joe' from 203.0.113.9:51234",
      want: FROM_DROPBEAR,
    },
    {
      name: "a time in UTC with a Z",
      line: "2026-11-21T05:51:27Z host dropbear[123]: Password auth succeeded for 'joe' from 203.0.113.9:51234",
      want: FROM_DROPBEAR,
    },
    {
      name: "dropbear with PAM",
      line: `${DROPBEAR}PAM password auth succeeded for 'joe' from 203.0.113.9:51234`,
      want: { ...FROM_DROPBEAR, method: "password" },
    },
    {
      name: "a key as dropbear 2019.78 puts it",
      line: `${DROPBEAR}Pubkey auth succeeded for 'joe' with key sha1!! 6e:a1:02:9c from 203.0.113.9:51234`,
      want: { ...FROM_DROPBEAR, method: "pubkey" },
    },
    {
      name: "sshd-session of OpenSSH 9.8 and later",
      line: "2026-11-21T05:51:27.1+00:00 host sshd-session[123]: Accepted password for joe from 203.0.113.9 port 51234 ssh2",
      want: FROM_SSHD,
    },
    {
      name: "dropbear's standard error, brought to syslog by a service manager",
      line: "Nov 21 05:51:27 host dropbear[1]: [123] Nov 21 05:51:27 Password auth succeeded for 'joe' from 203.0.113.9:51234",
      want: FROM_DROPBEAR,
    },
    {
      name: "IPv6",
      line: `${DROPBEAR}Password auth succeeded for 'joe' from 2001:DB8:0:0::1:51234`,
      want: { ...FROM_DROPBEAR, address: "2001:db8::1" },
    },
    {
      name: "IPv4 mapped into IPv6",
      line: `${DROPBEAR}Password auth succeeded for 'joe' from ::ffff:203.0.113.9:51234`,
      want: FROM_DROPBEAR,
    },
    {
      name: "a link-local address with its zone",
      line: `${SSHD}Accepted password for joe from fe80::1%eth0 port 51234 ssh2`,
      want: { ...FROM_SSHD, address: "fe80::1" },
    },
    {
      name: "the highest port",
      line: `${DROPBEAR}Password auth succeeded for 'joe' from 203.0.113.9:65535`,
      want: { ...FROM_DROPBEAR, port: 65_535 },
    },
    {
      name: "a name that looks like the end of the text",
      line: `${DROPBEAR}Password auth succeeded for 'x' from 1.2.3.4:1' from 203.0.113.9:51234`,
      want: { ...FROM_DROPBEAR, user: "x' from 1.2.3.4:1" },
    },
    {
      name: "a name that looks like a key",
      line: `${DROPBEAR}Pubkey auth succeeded for 'x' with key a from 1.2.3.4:1' with ssh-rsa key b from 203.0.113.9:51234`,
      want: { ...FROM_DROPBEAR, user: "x' with key a from 1.2.3.4:1" },
    },
    {
      name: "a name for sshd that looks like the end of the text",
      line: `${SSHD}Accepted password for x from 1.2.3.4 port 1 ssh2 from 203.0.113.9 port 51234 ssh2`,
      want: { ...FROM_SSHD, user: "x from 1.2.3.4 port 1 ssh2" },
    },
    {
      name: "a name that is not UTF-8",
      line: `${DROPBEAR}Password auth succeeded for 'j\ufffd' from 203.0.113.9:51234`,
      want: { ...FROM_DROPBEAR, user: "j\ufffd" },
    },
  ])("reads $name", ({ line, want }) => {
    expect(parseLoginLine(line)).toMatchObject(want);
  });

  const told = "Password auth succeeded for 'joe' from 203.0.113.9:51234";
  test.for([
    { name: "another daemon's line", line: `Nov 21 05:51:27 host dropbox[123]: ${told}` },
    { name: "a line without a pid", line: `Nov 21 05:51:27 host dropbear: ${told}` },
    { name: "a pid of 0", line: `Nov 21 05:51:27 host dropbear[0]: ${told}` },
    { name: "a text in the middle of another", line: `${DROPBEAR}Bad password attempt for '${told}` },
    { name: "a line in the middle of another", line: `${SSHD}Invalid user ${DROPBEAR}${told}` },
    { name: "dropbear's words from sshd", line: `${SSHD}${told}` },
    {
      name: "sshd's words from dropbear",
      line: `${DROPBEAR}Accepted password for joe from 1.2.3.4 port 1 ssh2`,
    },
    {
      name: "sshd's words in the form of dropbear's standard error",
      line: `${SSHD}[7] Nov 21 05:51:27 ${told}`,
    },
    { name: "a failure", line: `${SSHD}Failed password for joe from 203.0.113.9 port 51234 ssh2` },
    { name: "a name for an address", line: `${DROPBEAR}Password auth succeeded for 'joe' from host:51234` },
    { name: "no port", line: `${DROPBEAR}Password auth succeeded for 'joe' from 203.0.113.9` },
    { name: "a port too high", line: `${DROPBEAR}Password auth succeeded for 'joe' from 203.0.113.9:65536` },
    { name: "no name", line: `${DROPBEAR}Password auth succeeded for '' from 203.0.113.9:51234` },
    { name: "words behind the address", line: `${DROPBEAR}${told} and more` },
    { name: "an empty line", line: "" },
    {
      name: "a line of 100 KB",
      line: `${DROPBEAR}Password auth succeeded for '${"x".repeat(100_000)}' from 203.0.113.9:51234`,
    },
  ])("takes $name for none", ({ line }) => {
    expect(parseLoginLine(line)).toBeUndefined();
  });
});

test("parseLoginText() believes what dropbear's standard error says of the pid", () => {
  const text = "Password auth succeeded for 'joe' from 203.0.113.9:51234";
  expect(parseLoginText("dropbear", 1, text)?.pid).toBe(1);
  expect(parseLoginText("dropbear", 1, `[123] Nov 21 05:51:27 ${text}`)?.pid).toBe(123);
  expect(parseLoginText("dropbear", undefined, text)).toBeUndefined();
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { processUid } from "../../../src/kernel/process.ts";
import { type SessionFacts, sessionNotes } from "../../../src/sources/ssh/session-notes.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

const missing = needs("root", "setpriv");

const QUIET: SessionFacts = {
  sessions: [],
  forks: undefined,
  log: undefined,
  inetd: 0,
  contradictions: 0,
};
const session = { pid: 5_000_000, late: false, user: undefined };

describe("sessionNotes()", () => {
  test.for([
    { name: "nothing of an idle host", facts: {}, want: [] },
    {
      name: "nothing of a connection that has not logged in yet",
      facts: { sessions: [session] },
      want: [],
    },
    {
      name: "nothing of one that was there before and is known",
      facts: { sessions: [{ ...session, late: true, user: "joe" }] },
      want: [],
    },
    {
      name: "connections that were there before and are nobody's",
      facts: { sessions: [{ ...session, late: true }, { ...session, late: true }, session] },
      want: [/^2 Dropbear connections were open before .* not counted until they log in anew$/],
    },
    {
      name: "forks that are not told of, with the reason",
      facts: { forks: "no such protocol" },
      want: [/first seen as they log in.*: no such protocol$/],
    },
    {
      name: "a log that cannot be read, with the reason",
      facts: { log: "EACCES" },
      want: [/cannot be read.*: EACCES$/],
    },
    { name: "connections by inetd", facts: { inetd: 3 }, want: [/^3 Dropbear connections .*dropbear -i/] },
    {
      name: "login lines that contradict",
      facts: { contradictions: 1 },
      want: [/^1 login lines named another user/],
    },
  ])("tells $name", ({ facts, want }) => {
    expect(sessionNotes({ ...QUIET, ...facts })).toEqual(want.map((text) => expect.stringMatching(text)));
  });

  test.skipIf(missing)(`tells that sessions run as their user, where they do${missing}`, async () => {
    const child = spawn("setpriv", ["--reuid=61000", "--clear-groups", "sleep", "60"], { stdio: "ignore" });
    const ended = once(child, "exit");
    const pid = child.pid ?? 0;
    await until("it runs as the user", () => processUid(pid) === 61_000);
    const notes = (who: string | undefined) =>
      sessionNotes({ ...QUIET, sessions: [{ pid, late: false, user: who }] });
    expect(notes("joe")).toEqual([expect.stringContaining("known by their uid")]);
    expect(notes(undefined)).toEqual([]);
    child.kill("SIGKILL");
    await ended;
  });
});

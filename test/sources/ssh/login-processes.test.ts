import { expect, test } from "vitest";
import { loginProcesses, type SshProcess, sshDaemonOf } from "../../../src/sources/ssh/login-processes.ts";

const process = (pid: number, parent: number, uid: number, daemon: SshProcess["daemon"] = "sshd") => ({
  ...{ pid, parent, uid, daemon },
});
const NOBODY = { rootUsers: {}, known: [] as readonly number[] };

test.for([
  {
    name: "sshd's process that runs as the user",
    processes: [process(10, 1, 0), process(20, 10, 0), process(30, 20, 1001)],
    ...NOBODY,
    want: [{ pid: 30, daemon: "sshd", user: 1001 }],
  },
  {
    name: "sshd's unprivileged helper before a login, whose uid is no login's",
    processes: [process(10, 1, 0), process(20, 10, 0), process(30, 20, 103)],
    ...NOBODY,
    want: [{ pid: 30, daemon: "sshd", user: 103 }],
  },
  {
    name: "no program of that name that a user runs himself",
    processes: [
      process(10, 1, 0),
      process(20, 10, 0),
      process(30, 20, 1001),
      process(40, 30, 1001),
      process(41, 1, 1001),
    ],
    ...NOBODY,
    want: [{ pid: 30, daemon: "sshd", user: 1001 }],
  },
  {
    name: "Dropbear's process that became the user's, and stays when the listener is restarted",
    processes: [
      process(10, 1, 0, "dropbear"),
      process(20, 10, 1001, "dropbear"),
      process(21, 1, 1002, "dropbear"),
    ],
    rootUsers: {},
    known: [21],
    want: [
      { pid: 20, daemon: "dropbear", user: 1001 },
      { pid: 21, daemon: "dropbear", user: 1002 },
    ],
  },
  {
    name: "Dropbear's process that stays root, once its user is known",
    processes: [
      process(10, 1, 0, "dropbear"),
      process(20, 10, 0, "dropbear"),
      process(21, 10, 0, "dropbear"),
    ],
    rootUsers: { 20: "joe" },
    known: [],
    want: [{ pid: 20, daemon: "dropbear", user: "joe" }],
  },
  {
    name: "no process of another daemon's listener",
    processes: [process(10, 1, 0, "dropbear"), process(20, 10, 1001)],
    ...NOBODY,
    want: [],
  },
])("loginProcesses() finds $name", ({ processes, rootUsers, known, want }) => {
  const users = new Map(Object.entries(rootUsers).map(([pid, user]) => [Number(pid), user]));
  expect(loginProcesses(processes, users, new Set(known))).toEqual(want);
});

test("sshDaemonOf() knows both daemons by their programs' names", () => {
  const names = ["sshd", "sshd-session", "dropbear", "dropbearmulti", "ssh", "bash", "toString"];
  expect(names.map(sshDaemonOf)).toEqual([
    ...["sshd", "sshd", "dropbear", "dropbear"],
    ...[undefined, undefined, undefined],
  ]);
});

/** Who may write what Sluice believes: the daemon is root, and does what its files say. */
import { join } from "node:path";
import { captureUser } from "../../../capture-user.ts";
import type { Settings } from "../../../config.ts";
import { usageOf } from "../../../daemon/state-lock.ts";
import type { Case } from "../case.ts";
import type { Access } from "../change.ts";
import { type Finding, ok, problem, someOf } from "../finding.ts";
import type { Host } from "../host.ts";

/** Group and others. */
const WRITABLE = 0o022;

/** Whoever may write these orders the daemon, which is root. */
export function lookAtPermissions({ host, settings }: Case): Finding[] {
  const check = "permissions";
  const socket = join(settings.runtimeDirectory, "control.sock");
  const mode = (host.stat(socket)?.mode ?? 0) & 0o777;
  if ((mode & 0o077) !== 0) {
    return [
      problem(
        check,
        `others may order the daemon at ${socket} (${mode.toString(8)})`,
        "restart the daemon: it makes the socket for root alone",
      ),
    ];
  }
  const wrong = looseFiles(host, settings);
  if (wrong.length === 0) return [ok(check, "only their owner can write settings and books")];
  const items = wrong.map(({ path, from, to }) => ({ path, from, to }));
  return [
    problem(
      check,
      `others may write what Sluice believes: ${someOf(wrong.map(({ path, from }) => `${path} (${from.mode.toString(8)}, uid ${from.uid})`))}`,
      "take their right to write away",
      { kind: "access", items },
    ),
  ];
}

/** A place and what may be allowed there. */
interface Place {
  readonly path: string;
  /** The most permission bits that group and others may write with. */
  readonly allowed: number;
  /** Who may own it beside root and whoever looks. */
  readonly owner?: number | undefined;
}

interface Loose {
  readonly path: string;
  readonly from: Access;
  readonly to: Access;
}

function looseFiles(host: Host, settings: Settings): Loose[] {
  return placesOf(host, settings).flatMap(({ path, allowed, owner }) => {
    const file = host.stat(path);
    if (!file) return [];
    const from = { mode: file.mode & 0o7777, uid: file.uid, gid: file.gid };
    const trusted = file.uid === 0 || file.uid === host.uid || file.uid === owner;
    const to = { ...from, mode: from.mode & ~(WRITABLE & ~allowed), ...(trusted ? {} : { uid: 0 }) };
    return to.mode === from.mode && to.uid === from.uid ? [] : [{ path, from, to }];
  });
}

function placesOf(host: Host, settings: Settings): readonly Place[] {
  const { stateDirectory, logDirectory, dataDirectory, runtimeDirectory, usageFileMode } = settings;
  const usage = usageOf(settings);
  const accounts = host.entries(usage).filter((name) => /^[^.].*\.json$/.test(name));
  return [
    ...[stateDirectory, usage, logDirectory, dataDirectory, runtimeDirectory].map((path) => ({
      path,
      allowed: 0o755,
    })),
    { path: settings.path ?? "/etc/myvpn/sluice.json", allowed: 0o644 },
    { path: join(dataDirectory, "hosts"), allowed: 0o755, owner: captureUser()?.uid },
    ...accounts.map((name) => ({ path: join(usage, name), allowed: usageFileMode })),
  ];
}

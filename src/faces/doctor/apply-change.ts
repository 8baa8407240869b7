/** Makes a change on the host, and takes it back; both refuse a host that is no longer as it was looked at. */
import { constants } from "node:fs";
import { copyFile, type FileHandle, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { captureUser } from "../../capture-user.ts";
import { installDropIn, removeDropIn } from "../../enforcement/xray/engine-drop-in.ts";
import { RefusedRequestError } from "../../errors.ts";
import { isLinked, makeLink } from "../../hosts/hosts-link.ts";
import { LocalTimes } from "../../hosts/local-times.ts";
import { raiseConntrack } from "../../kernel/conntrack-size.ts";
import { type Access, type Change, unitUndo } from "./change.ts";
import type { Host } from "./host.ts";

/** @param timeZone what times in hosts.log are written in. @throws {Error} with what was refused; nothing is changed then. */
export async function applyChange(change: Change, host: Host, timeZone: string): Promise<void> {
  switch (change.kind) {
    case "move":
      return move(host, change.from, change.to);
    case "unit":
      return systemctl(host, change.to === "enabled" ? ["enable"] : ["disable", "--now"], change.unit);
    case "access":
      return setAll(host, change.items);
    case "conntrack":
      return raiseConntrack(change.to, host.place(change.dropIn), host.place("/proc/sys"));
    case "drop-in":
      return void (await installDropIn(dropInPlace(host, change), change.text));
    case "hosts-link": {
      const place = { link: host.place(change.link), target: host.place(change.target) };
      return makeLink(place, new LocalTimes(timeZone), captureUser());
    }
  }
}

export async function revertChange(change: Change, host: Host): Promise<void> {
  switch (change.kind) {
    case "move":
      return move(host, change.to, change.from);
    case "unit":
      return systemctl(host, unitUndo(change), change.unit);
    case "access":
      return setAll(
        host,
        change.items.map(({ path, from, to }) => ({ path, from: to, to: from })),
      );
    case "conntrack":
      await writeFile(`${host.place("/proc/sys")}/net/netfilter/nf_conntrack_max`, `${change.from}\n`, {
        flag: "r+",
      });
      return rm(host.place(change.dropIn), { force: true });
    case "drop-in": {
      const place = dropInPlace(host, change);
      if (change.before === null) await removeDropIn(place);
      else await installDropIn(place, change.before);
      return;
    }
    case "hosts-link":
      return unlinkHosts({ link: host.place(change.link), target: host.place(change.target) });
  }
}

async function move(host: Host, from: string, to: string): Promise<void> {
  if (host.lstat(from) === undefined)
    throw new RefusedRequestError(`Cannot move "${from}": it is not there any more`);
  if (host.lstat(to) !== undefined)
    throw new RefusedRequestError(`Cannot move "${from}" to "${to}": a file of that name is there`);
  await rename(host.place(from), host.place(to));
}

async function systemctl(host: Host, words: readonly string[], unit: string): Promise<void> {
  const ran = await host.run("systemctl", [...words, "--", unit]);
  if (ran?.status === 0) return;
  const why = ran === undefined ? "there is no systemctl" : ran.stderr.trim().split("\n")[0];
  throw new Error(`Cannot run "systemctl ${words.join(" ")} ${unit}": ${why}`);
}

/** All of them or none. */
async function setAll(host: Host, items: Extract<Change, { kind: "access" }>["items"]): Promise<void> {
  const done: (typeof items)[number][] = [];
  try {
    for (const item of items) {
      await setAccess(host.place(item.path), item.from, item.to);
      done.push(item);
    }
  } catch (error) {
    for (const { path, from, to } of done) await setAccess(host.place(path), to, from);
    throw error;
  }
}

/** By the open file: others may write its folder, and could put a link or another's file in its place meanwhile. */
async function setAccess(path: string, from: Access, to: Access): Promise<void> {
  const refuse = (why: string) => new RefusedRequestError(`Cannot change who may write "${path}": ${why}`);
  await using file: FileHandle = await open(
    path,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  const found = await file.stat();
  const { mode, uid, gid } = { mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
  if (mode !== from.mode || uid !== from.uid || gid !== from.gid)
    throw refuse("it was changed meanwhile; look again");
  if (found.isFile() && found.nlink > 1) throw refuse("it has other names, so it may be another's file");
  if (uid !== to.uid || gid !== to.gid) await file.chown(to.uid, to.gid);
  await file.chmod(to.mode);
}

function dropInPlace(host: Host, { unit, path }: Extract<Change, { kind: "drop-in" }>) {
  return {
    unit,
    directory: host.place(dirname(dirname(path))),
    reload: async () => {
      if (host.stat("/run/systemd/system") !== undefined) await host.run("systemctl", ["daemon-reload"]);
    },
  };
}

/** A plain file with what the list holds, in the link's place. */
async function unlinkHosts(place: { readonly link: string; readonly target: string }): Promise<void> {
  if (!isLinked(place))
    throw new RefusedRequestError(`Cannot take "${place.link}" back: it is no longer the link that was made`);
  const temporary = `${place.link}.plain`;
  await rm(temporary, { force: true });
  await copyFile(place.target, temporary, constants.COPYFILE_EXCL);
  await rename(temporary, place.link);
}

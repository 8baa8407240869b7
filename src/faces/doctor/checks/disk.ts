/** Whether the file systems that Sluice writes to take its writes. */
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../../errors.ts";
import { formatSize } from "../../../sizes.ts";
import type { Bytes } from "../../../units.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import type { Host, Room } from "../host.ts";

const MIB = 1024 ** 2;
/** Account files and the journal of a day or so; less may be gone in a moment. */
const SCARCE_BYTES = 256 * MIB;
const FULL_BYTES = 16 * MIB;
const SCARCE_INODES = 5_000;
const FULL_INODES = 200;

export function lookAtDisk({ host, settings }: Case): Finding[] {
  const check = "disk";
  const folders = [
    settings.stateDirectory,
    settings.dataDirectory,
    settings.logDirectory,
    settings.runtimeDirectory,
  ];
  const rooms = new Map<string, { readonly room: Room; readonly folders: string[] }>();
  const findings: Finding[] = [];
  for (const folder of folders) {
    const there = firstThere(host, folder);
    if (host.stat(folder) !== undefined && !isWritable(host, folder)) {
      findings.push(
        problem(
          check,
          `${folder} is on a file system that takes no writes`,
          `mount -o remount,rw, and look at dmesg for why it is read-only`,
        ),
      );
    }
    const room = host.room(there);
    if (!room) continue;
    const device = String(host.stat(there)?.dev);
    rooms.set(device, { room, folders: [...(rooms.get(device)?.folders ?? []), folder] });
  }
  for (const { room, folders: on } of rooms.values()) findings.push(...judgeRoom(room, on));
  return findings.length > 0
    ? findings
    : [
        ok(
          check,
          `there is room for what Sluice keeps (${[...rooms.values()].map(({ room }) => formatSize(room.freeBytes as Bytes)).join(", ")} free)`,
        ),
      ];
}

export function judgeRoom(room: Room, folders: readonly string[]): Finding[] {
  const check = "disk";
  const on = folders.join(", ");
  const findings: Finding[] = [];
  if (room.freeBytes < SCARCE_BYTES) {
    const level = room.freeBytes < FULL_BYTES ? problem : warning;
    findings.push(
      level(
        check,
        `${formatSize(room.freeBytes as Bytes)} are left for ${on}`,
        "make room: a full disk loses the books at the next power cut",
      ),
    );
  }
  if (room.totalInodes > 0 && room.freeInodes < SCARCE_INODES) {
    const level = room.freeInodes < FULL_INODES ? problem : warning;
    findings.push(
      level(
        check,
        `${room.freeInodes} inodes are left for ${on}`,
        "remove small files: nothing new can be made without one",
      ),
    );
  }
  return findings;
}

function firstThere(host: Host, folder: string): string {
  for (let at = folder; at !== "/"; at = dirname(at)) if (host.stat(at) !== undefined) return at;
  return "/";
}

function isWritable(host: Host, folder: string): boolean {
  try {
    accessSync(host.place(folder), constants.W_OK);
    return true;
  } catch (error) {
    return codeOf(error) !== "EROFS";
  }
}

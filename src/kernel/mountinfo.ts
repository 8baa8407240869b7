/**
 * What is mounted where, as /proc/self/mountinfo has it (proc(5)).
 *
 *   41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
 *   id parent device root mount point  options  any more  -  type source options
 *
 * Pure: no I/O, no state.
 */
export interface Mount {
  readonly point: string;
  /** Of the file system; "" in a line that was cut off. */
  readonly type: string;
}

export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    const type = line.split(" - ")[1]?.split(" ")[0] ?? "";
    return point === undefined ? [] : [{ point: unescaped(point), type }];
  });
}

/** Spaces and the like stand in octal, byte by byte: "\040". */
function unescaped(path: string): string {
  const bytes = Buffer.from(path).toString("latin1");
  const plain = bytes.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(plain, "latin1").toString();
}

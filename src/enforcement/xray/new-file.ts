/** Writes a file that was not there, whole and safe on disk, or leaves none. */
import { open, unlink } from "node:fs/promises";

/** What a copy of a file keeps besides its content. ACLs and SELinux labels are not kept. */
export interface FileLooks {
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Plain fs: `FileHandle.writeFile` writes until all is down or the disk says
 * ENOSPC, where a single write may put down half and report success.
 *
 * @throws {Error} when it exists (EEXIST), the disk is full (ENOSPC), or the
 * owner cannot be set (EPERM); nothing is left then that was not there before.
 */
export async function writeNewFile(path: string, content: Uint8Array, looks: FileLooks): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await using _ = file;
    await file.writeFile(content);
    const made = await file.stat();
    if (made.uid !== looks.uid || made.gid !== looks.gid) await file.chown(looks.uid, looks.gid);
    await file.chmod(looks.mode);
    await file.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

/** Makes a rename or a new name in `directory` outlive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  await using folder = await open(directory, "r");
  await folder.sync();
}

/**
 * The machine that is examined: its files and its programs. The one place where
 * checks touch it, so that a test can hand them a scratch tree instead.
 */
import { execFile } from "node:child_process";
import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { codeOf } from "../../errors.ts";

/** What a program said before it ended. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How much room a file system has, for those who are not root. */
export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** 0 where the file system makes them as it needs them. */
  readonly totalInodes: number;
}

/** A hung program must not hang the doctor. */
const PROGRAM_TIMEOUT_MS = 3_000;
const LONGEST_OUTPUT = 64 << 20;
/** Distributions keep some programs where an ordinary user's PATH does not look. */
const MORE_FOLDERS = ["/usr/sbin", "/sbin"];

export class Host {
  readonly #root: string;
  readonly #search: string;
  /** As whom the doctor looks: what root alone may see is said to be unseen by others. */
  readonly uid: number;

  /**
   * @param root where the host's files are; another folder in tests.
   * @param search where programs are looked for, as in PATH.
   */
  constructor(root: string, search: string, uid: number) {
    this.#root = root;
    this.#search = search;
    this.uid = uid;
  }

  /** Where a path of the host's is for this program. */
  place(path: string): string {
    return this.#root === "/" ? path : join(this.#root, path);
  }

  /** Undefined when it is not there. @throws the system's error when it may not be read. */
  read(path: string): string | undefined {
    return unlessGone(() => readFileSync(this.place(path), "utf8"));
  }

  /** Names in a folder, in order; none when it is not there. @throws the system's error when it may not be read. */
  entries(folder: string): readonly string[] {
    return unlessGone(() => readdirSync(this.place(folder)))?.sort() ?? [];
  }

  /** Of what a link leads to. Undefined when it is not there. */
  stat(path: string): Stats | undefined {
    return unlessGone(() => statSync(this.place(path)));
  }

  /** Of a link itself. Undefined when it is not there. */
  lstat(path: string): Stats | undefined {
    return unlessGone(() => lstatSync(this.place(path)));
  }

  /** Where a link leads, as it says. Undefined for what is no link or not there. */
  link(path: string): string | undefined {
    try {
      return unlessGone(() => readlinkSync(this.place(path)));
    } catch (error) {
      if (codeOf(error) === "EINVAL") return undefined;
      throw error;
    }
  }

  /** Undefined when the folder is not there. */
  room(folder: string): Room | undefined {
    const found = unlessGone(() => statfsSync(this.place(folder)));
    return (
      found && {
        freeBytes: found.bavail * found.bsize,
        totalBytes: found.blocks * found.bsize,
        freeInodes: found.ffree,
        totalInodes: found.files,
      }
    );
  }

  /** Where a program is; undefined when it is not installed. @param name or its whole path. */
  program(name: string): string | undefined {
    if (name.startsWith("/")) return isFile(name) ? name : undefined;
    return this.#folders.map((folder) => join(folder, name)).find((path) => isFile(path));
  }

  /**
   * Runs a program to its end.
   *
   * @returns undefined when it is not installed.
   * @throws {Error} when it does not end in time or cannot be started.
   */
  run(name: string, args: readonly string[], input = ""): Promise<Ran | undefined> {
    const path = this.program(name);
    if (path === undefined) return Promise.resolve(undefined);
    const environment = { ...process.env, PATH: this.#folders.join(delimiter), LC_ALL: "C" };
    return new Promise((resolve, reject) => {
      const options = { timeout: PROGRAM_TIMEOUT_MS, maxBuffer: LONGEST_OUTPUT, env: environment };
      const child = execFile(path, args, options, (error, stdout, stderr) => {
        const status = error === null ? 0 : error.code;
        if (typeof status === "number") resolve({ status, stdout, stderr });
        else reject(new Error(`Cannot run "${name}": ${whyNot(error)}`, { cause: error }));
      });
      child.stdin?.on("error", () => undefined); // one that does not read it is done with it
      child.stdin?.end(input);
    });
  }

  get #folders(): readonly string[] {
    return [...this.#search.split(delimiter), ...(this.#root === "/" ? MORE_FOLDERS : [])];
  }
}

/** This machine, as this process sees it. */
export function thisHost(): Host {
  return new Host("/", process.env["PATH"] ?? "", process.geteuid?.() ?? 0);
}

function whyNot(error: (Error & { readonly killed?: boolean | undefined }) | null): string {
  return error?.killed ? `no end within ${PROGRAM_TIMEOUT_MS} ms` : (error?.message ?? "it was ended");
}

/** A folder on the PATH that may not be entered has no program for us. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Processes end while they are looked at (ESRCH); a file in a folder's place has nothing in it (ENOTDIR). */
function unlessGone<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ESRCH"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

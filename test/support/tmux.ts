/** A terminal to try programs on: tmux on a socket of its own, so that nobody's sessions are touched. */
import { execFile } from "node:child_process";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "./until.ts";

export interface Screen extends AsyncDisposable {
  /** Keys as tmux names them: "2", "Enter", "C-c". */
  keys(...names: readonly string[]): Promise<void>;
  /** What it shows now. */
  text(): Promise<string>;
  /** Waits until it shows `what`; resolves with all it shows then. */
  shows(what: string | RegExp): Promise<string>;
  /** Every byte that was written to it. */
  written(): Promise<string>;
}

export interface ScreenOptions {
  readonly columns: number;
  readonly rows: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command on a new terminal; when it has ended, "left with STATUS" stands there. */
export async function openScreen(command: readonly string[], options: ScreenOptions): Promise<Screen> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-tmux-"));
  const record = join(folder.path, "written");
  const tmux = async (...args: readonly string[]) => {
    const environment = { ...process.env, TERM: "xterm-256color", LC_ALL: "C.UTF-8" };
    const all = ["-S", join(folder.path, "socket"), "-f", "/dev/null", ...args];
    return (await promisify(execFile)("tmux", all, { env: environment, timeout: 10_000 })).stdout;
  };
  const begin = join(folder.path, "begin");
  // The command waits for the record of what it writes; Ctrl-C is the command's alone.
  const script = `trap : INT; while [ ! -e "$0" ]; do sleep 0.02; done; "$@"; echo "left with $?"; exec cat`;
  const variables = Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  const words = ["sh", "-c", script, begin, "env", ...variables, ...command];
  const size = ["-x", String(options.columns), "-y", String(options.rows)];
  await tmux("new-session", "-d", ...size, ...words);
  await tmux("pipe-pane", `touch '${begin}'; exec cat >'${record}'`);
  const text = () => tmux("capture-pane", "-p");
  return {
    keys: async (...names) => void (await tmux("send-keys", ...names)),
    text,
    shows: (what) =>
      until(
        `the screen shows ${what}`,
        async () => {
          const shown = await text();
          return (typeof what === "string" ? shown.includes(what) : what.test(shown)) && shown;
        },
        15_000,
        text,
      ),
    written: () => readFile(record, "utf8"),
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server");
      await folder.remove();
    },
  };
}

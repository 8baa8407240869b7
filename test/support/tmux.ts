/** A terminal to try programs in: tmux, on a socket of its own, so that nobody's sessions are touched. */
import { execFile } from "node:child_process";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "./until.ts";

export interface Tmux extends AsyncDisposable {
  /** Opens a window for a shell's command line; what it shows stays when it has ended. */
  open(commandLine: string, size?: { readonly columns: number; readonly rows: number }): Promise<Pane>;
  /** The same for a program and its arguments, with variables of its own; every byte it writes is kept. */
  run(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    size: { readonly columns: number; readonly rows: number },
  ): Promise<RecordedPane>;
}

export interface Pane {
  /** What is on the screen, line by line. */
  screen(): Promise<string>;
  /** The same with escape sequences for colours. */
  colours(): Promise<string>;
  /** Keys in tmux's names ("C-c", "PPage", "x"). */
  press(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Waits until the screen matches; resolves with what the pattern found. */
  shows(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** Whether the alternate screen, the cursor and raw mode are as a shell wants them. */
  restored(): Promise<{ readonly alternate: boolean; readonly cursor: boolean; readonly cooked: boolean }>;
  /** The program in front, as the terminal knows it: the pane's own, or its child. */
  readonly pid: number;
  close(): Promise<void>;
}

export interface RecordedPane extends Pane {
  /** Every byte that was written to the screen. */
  written(): Promise<string>;
}

const USUAL = { columns: 120, rows: 30 };

export async function openTmux(): Promise<Tmux> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-tmux-"));
  const tmux = async (...args: readonly string[]) => {
    const environment = { ...process.env, LC_ALL: "C.UTF-8" };
    const all = ["-S", join(folder.path, "socket"), "-f", "/dev/null", ...args];
    return (await promisify(execFile)("tmux", all, { env: environment, timeout: 10_000 })).stdout;
  };
  await tmux("new-session", "-d", "exec cat"); // the server leaves with its last session
  await tmux("set-option", "-g", "default-terminal", "tmux-256color");
  let windows = 0;
  return {
    open: async (commandLine, { columns, rows } = USUAL) => {
      const session = `w${windows++}`;
      await tmux(
        ...["new-session", "-d", "-s", session, "-x", String(columns), "-y", String(rows)],
        `${commandLine}; echo "left with $?"; exec cat`,
      );
      return paneOf(tmux, session);
    },
    run: async (words, environment, { columns, rows }) => {
      const session = `w${windows++}`;
      const [begin, record] = ["begin", "written"].map((name) => join(folder.path, `${session}.${name}`)) as [
        string,
        string,
      ];
      // The program waits for the record of what it writes; Ctrl-C is the program's alone.
      const script = `trap : INT; while [ ! -e "$0" ]; do sleep 0.02; done; "$@"; echo "left with $?"; exec cat`;
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      await tmux(
        ...["new-session", "-d", "-s", session, "-x", String(columns), "-y", String(rows)],
        ...["sh", "-c", script, begin, "env", ...variables, ...words],
      );
      await tmux("pipe-pane", "-t", session, `touch '${begin}'; exec cat >'${record}'`);
      return { ...(await paneOf(tmux, session)), written: () => readFile(record, "utf8") };
    },
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server");
      await folder.remove();
    },
  };
}

async function paneOf(tmux: (...args: readonly string[]) => Promise<string>, session: string): Promise<Pane> {
  const ask = async (format: string) =>
    (await tmux("display-message", "-p", "-t", session, format)).trimEnd();
  const screen = () => tmux("capture-pane", "-p", "-t", session);
  const [pid = "", tty = ""] = (await ask("#{pane_pid} #{pane_tty}")).split(" ");
  return {
    pid: Number(pid),
    screen,
    colours: () => tmux("capture-pane", "-p", "-e", "-t", session),
    press: async (...keys) => void (await tmux("send-keys", "-t", session, ...keys)),
    resize: async (columns, rows) =>
      void (await tmux("resize-window", "-t", session, "-x", String(columns), "-y", String(rows))),
    shows: (pattern, withinMs = 10_000) =>
      until(
        `the screen shows ${pattern}`,
        async () => pattern.exec(await screen()) ?? undefined,
        withinMs,
        screen,
      ),
    restored: async () => {
      const [alternate, cursor] = (await ask("#{alternate_on} #{cursor_flag}")).split(" ");
      const { stdout } = await promisify(execFile)("stty", ["-a", "-F", tty]);
      return {
        alternate: alternate === "1",
        cursor: cursor === "1",
        cooked: /(?<!-)\bicanon\b/.test(stdout) && /(?<!-)\becho\b/.test(stdout),
      };
    },
    close: async () => void (await tmux("kill-session", "-t", session)),
  };
}

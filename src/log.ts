/**
 * One line per event on standard error: `<6>enforce started mode=observe`.
 *
 * The prefix is the syslog priority that journald reads and removes (sd-daemon(3));
 * it is left out when a person is reading.
 *
 * Pure: no clock, no I/O but on the stream it is handed.
 */
export type LogLevel = "error" | "warning" | "info" | "debug";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  write(level: LogLevel, message: string, fields?: LogFields): void;
}

const PRIORITY: Record<LogLevel, string> = { error: "<3>", warning: "<4>", info: "<6>", debug: "<7>" };

export function streamLog(stream: { write(text: string): unknown; isTTY?: boolean }): Log {
  return {
    write(level, message, fields = {}) {
      const prefix = stream.isTTY ? `${level}: ` : PRIORITY[level];
      stream.write(`${prefix}${printable(message)}${fieldsText(fields)}\n`);
    },
  };
}

function fieldsText(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quoted(String(value))}`)
    .join("");
}

function quoted(text: string): string {
  return /^[\w.:@/+-]+$/.test(text) ? text : JSON.stringify(printable(text));
}

/** Control characters would let a user's name write the operator's terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
}

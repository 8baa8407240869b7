/**
 * The certificate and its key, read again when they change: certbot and its like put
 * new ones in their place. New ones that cannot be used are told of once, and the old
 * ones stay.
 */
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { WebTlsSettings } from "../../../config-parts.ts";
import { reasonOf } from "../../../errors.ts";
import type { Log } from "../../../log.ts";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** @throws {Error} when a file cannot be read, or the two do not belong together. */
export async function readCertificate(files: WebTlsSettings): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(files.cert, "utf8"), readFile(files.key, "utf8")]);
  createSecureContext({ cert, key });
  return { cert, key };
}

/** @param take is handed each new certificate. @param everyMs between looks. */
export function watchCertificate(
  files: WebTlsSettings,
  take: (certificate: Certificate) => void,
  { log, everyMs }: { readonly log: Log; readonly everyMs: number },
): Disposable {
  let seen: string | undefined;
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const stamp = await stampOf(files).catch(() => "missing");
      const changed = seen !== undefined && stamp !== seen;
      seen = stamp; // before they are read: what changes meanwhile is seen next time
      if (!changed) return;
      take(await readCertificate(files));
      log.write("info", "web took a new certificate", { file: files.cert });
    } catch (error) {
      log.write("warning", "Cannot use the new certificate, the old one stays", { reason: reasonOf(error) });
    } finally {
      looking = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function stampOf(files: WebTlsSettings): Promise<string> {
  const both = await Promise.all([stat(files.cert), stat(files.key)]);
  return both.map(({ mtimeMs, ino, size }) => `${mtimeMs}:${ino}:${size}`).join(" ");
}

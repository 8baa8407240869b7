/**
 * The certificate and its key, read again when they change: certbot and its like put
 * new ones in their place. New ones that cannot be used are told of once, and the old
 * ones stay.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
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
  // Half-written files are empty at first, which the TLS library takes for none and does not mind.
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`Cannot use "${files.cert}": expected the certificate of the key in "${files.key}"`);
  createSecureContext({ cert, key });
  return { cert, key };
}

/** @param take is handed each new certificate. @param since what `stampOf` said before the first was read. @param everyMs between looks. */
export function watchCertificate(
  files: WebTlsSettings,
  take: (certificate: Certificate) => void,
  { since, log, everyMs }: { readonly since: string; readonly log: Log; readonly everyMs: number },
): Disposable {
  let seen = since;
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const stamp = await stampOf(files);
      if (stamp === seen) return;
      seen = stamp; // before they are read: what changes meanwhile is seen next time
      take(await readCertificate(files));
      log.write("info", "web took a new certificate", { file: files.cert });
    } catch (error) {
      log.write("warning", "Cannot use the new certificate, the old one stays", { reason: reasonOf(error) });
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Differs after a change. "missing" while one of them is. */
export async function stampOf(files: WebTlsSettings): Promise<string> {
  const both = await Promise.all([stat(files.cert), stat(files.key)]).catch(() => undefined);
  if (!both) return "missing";
  return both.map(({ mtimeMs, ino, size }) => `${mtimeMs}:${ino}:${size}`).join(" ");
}

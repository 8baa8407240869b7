/**
 * `web cert`: a key and a certificate that vouches for itself. Browsers warn of it once;
 * its fingerprint is said, so that it can be compared there.
 *
 * Node makes keys and no certificates, so openssl does.
 */
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Settings } from "../../config.ts";
import { DEFAULT_PATH } from "../../config.ts";
import { codeOf, RefusedRequestError } from "../../errors.ts";
import { webFolder } from "../../web-folder.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import type { CertificateOptions } from "./web-command-line.ts";
import { becomeOwner } from "./web-store.ts";

/** The longest that Apple's browsers take. */
const DAYS = 825;
const NAME =
  /^(?=.{1,253}$)(\*\.)?[A-Za-z\d]([A-Za-z\d-]{0,61}[A-Za-z\d])?(\.[A-Za-z\d]([A-Za-z\d-]{0,61}[A-Za-z\d])?)*$/;

export async function makeWebCertificate(options: CertificateOptions): Promise<void> {
  const settings = await settingsFor(options);
  const hosts = options.host ?? [hostname(), "localhost", "127.0.0.1", "::1"];
  for (const host of hosts) {
    if (isIP(host) === 0 && !NAME.test(host))
      throw new RefusedRequestError(
        `Cannot make a certificate for ${JSON.stringify(host)}: expected a host's name or address`,
      );
  }
  becomeOwner(settings);
  const folder = join(webFolder(settings), "tls");
  const [cert, key] = [join(folder, "web.pem"), join(folder, "web.key")];
  if (!options.yes && (existsSync(cert) || existsSync(key)))
    throw new RefusedRequestError(
      `Cannot make a certificate: there is one in "${folder}"; --yes replaces it`,
    );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await make(hosts, { cert, key });
  const told = { cert, key, hosts, fingerprint: made.fingerprint256, until: made.validTo };
  answer(options, told, () => textOf(told, settings));
}

/** Both are whole before either is in its place. */
async function make(
  hosts: readonly string[],
  { cert, key }: { cert: string; key: string },
): Promise<X509Certificate> {
  const [newCert, newKey] = [`${cert}.new`, `${key}.new`];
  try {
    await promisify(execFile)("openssl", [
      ...["req", "-x509", "-days", String(DAYS), "-noenc"],
      ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-subj", "/CN=Sluice", "-addext", `subjectAltName=${hosts.map(alternative).join(",")}`],
      ...["-addext", "extendedKeyUsage=serverAuth", "-keyout", newKey, "-out", newCert],
    ]);
    await chmod(newKey, 0o600);
    await rename(newKey, key);
    await rename(newCert, cert);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new RefusedRequestError("Cannot make a certificate: expected the program openssl, got none", {
      cause: error,
    });
  } finally {
    await rm(newCert, { force: true });
    await rm(newKey, { force: true });
  }
  return new X509Certificate(await readFile(cert));
}

function alternative(host: string): string {
  return isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`;
}

function textOf(
  told: { cert: string; key: string; hosts: readonly string[]; fingerprint: string; until: string },
  settings: Settings,
): string {
  const { cert, key } = told;
  return [
    `A certificate for ${told.hosts.join(", ")}, until ${told.until}`,
    `SHA-256 ${told.fingerprint}: compare it when the browser warns`,
    `In ${settings.path ?? DEFAULT_PATH}, below "web":`,
    `  "listen": "0.0.0.0:8787",`,
    `  "tls": ${JSON.stringify({ cert, key })}`,
  ].join("\n");
}

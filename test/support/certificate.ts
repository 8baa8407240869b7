/** A self-signed certificate for servers of a test's own. Needs the openssl program: Node makes keys, but no certificates. */
import { join } from "node:path";
import { execute } from "./namespaces.ts";

export interface Certificate {
  /** The host name it is for. */
  readonly name: string;
  /** PEM files. */
  readonly certificatePath: string;
  readonly keyPath: string;
}

export async function makeCertificate(folder: string, name = "sluice.test"): Promise<Certificate> {
  const certificatePath = join(folder, `${name}.crt`);
  const keyPath = join(folder, `${name}.key`);
  await execute("openssl", [
    ...["req", "-x509", "-days", "2", "-noenc", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
    ...["-keyout", keyPath, "-out", certificatePath],
  ]);
  return { name, certificatePath, keyPath };
}

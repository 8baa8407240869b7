/** Whose a flow is: users of a real sshd and a real dropbear, told apart by an enforcer beside the capture. */
import { appendFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HostsLog, hostsLogOf, QUIET_HOSTS, startCapture } from "../support/capture.ts";
import { makeCertificate } from "../support/certificate.ts";
import { FAR } from "../support/namespaces.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import type { Account } from "../support/ssh-accounts.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";
import { startWeb } from "../support/web.ts";

const missing = missingForSsh || needs("tcpdump", "nginx", "curl", "nft");
/** The client's side of `namespaces.ts`. */
const CLIENT = "10.62.1.1";

describe.skipIf(missing)(`a capture beside an enforcer of SSH${missing}`, { timeout: 60_000 }, () => {
  let stage: SshStage;
  const parts = new AsyncDisposableStack();
  beforeAll(async () => {
    stage = parts.use(await openSshStage());
    const { certificatePath, keyPath } = await makeCertificate(stage.folder);
    const tls = `ssl_certificate ${certificatePath}; ssl_certificate_key ${keyPath};`;
    const http = `server { listen 80; listen 443 ssl; ${tls} return 200 "here\\n"; }`;
    parts.use(await startWeb(stage.far, join(stage.folder, "web"), http, [80, 443]));
  }, 60_000);
  afterAll(() => parts.disposeAsync(), 60_000);

  test.each([true, false])("names service and client of SSH users; by account: %s", async (perAccount) => {
    await using sluice = await makeSluice({
      ssh: stage.settings,
      hosts: { ...QUIET_HOSTS, per_account: perAccount },
    });
    await using _enforcer = await sluice.start({ namespace: stage.server.name });
    await using capture = await startCapture(sluice, { namespace: stage.server.name });
    const log = hostsLogOf(sluice);
    await until("the enforcer answers", async () => (await capture.status()).enforcer);
    const [joe, amy] = [await metered(sluice, stage), await metered(sluice, stage)];

    const target = { address: FAR[4], port: 443 };
    await using his = await stage.tunnel({ account: joe, via: "sshd", forward: "local", target, family: 4 });
    await tellOfLogin(stage, joe);
    const fetch = (...words: readonly string[]) => stage.client.run("curl", ["-sSk", ...words]);
    const through = `::127.0.0.1:${his.port.port}`;
    const first = await fetchUntilPlaced(log, "joe", (host) =>
      fetch("--connect-to", through, `https://${host}/`),
    );
    expect(first).toMatchObject({ service: "SSH", source: CLIENT });

    await using dynamic = await stage.tunnel({
      ...{ account: joe, via: "sshd", forward: "dynamic", target, family: 4 },
    });
    const proxy = ["--socks5", `127.0.0.1:${dynamic.port.port}`];
    await fetch(...proxy, "--connect-to", `::${FAR[4]}:80`, "http://www.dynamic.example/");
    expect(await log.line("www.dynamic.example")).toMatchObject({ service: "SSH", source: CLIENT });

    await using hers = await stage.tunnel({
      account: amy,
      via: "dropbear",
      forward: "local",
      target,
      family: 4,
    });
    const second = await fetchUntilPlaced(log, "amy", (host) =>
      fetch("--connect-to", `::127.0.0.1:${hers.port.port}`, `https://${host}/`),
    );
    expect(second).toMatchObject({ service: "Dropbear", source: CLIENT });

    // Root's own visit is no account's.
    const own = ["-sSk", "--connect-to", `::${FAR[4]}:443`, "https://www.own.example/"];
    await stage.server.run("curl", own);
    expect(await log.line("www.own.example")).toMatchObject({ service: "SNI", source: "N/A" });

    // A capture that begins later knows where those came from who are logged in.
    await capture.stop();
    await using later = await startCapture(sluice, { namespace: stage.server.name });
    await until("the enforcer answers", async () => (await later.status()).enforcer);
    await fetch("--connect-to", `::127.0.0.1:${hers.port.port}`, "https://www.later.example/");
    expect(await log.line("www.later.example")).toMatchObject({ service: "Dropbear", source: CLIENT });

    const asked = await sluice.run("hosts", "list", "--user", joe.name, "--json");
    await later.stop();
    if (perAccount) {
      const hosts = (JSON.parse(asked.stdout) as { host: string }[]).map(({ host }) => host);
      expect(hosts.toSorted()).toEqual(["www.dynamic.example", first.host]);
      expect(await textBelow(sluice)).toContain(joe.name);
    } else {
      expect(asked).toMatchObject({ status: 2, stdout: "" });
      expect(asked.stderr).toContain("hosts.per_account is off");
      expect(await textBelow(sluice)).not.toContain(joe.name);
    }
  });
});

async function metered(sluice: Sluice, stage: SshStage): Promise<Account> {
  const account = await stage.addAccount();
  await until(`${account.name} is metered`, async () =>
    (await sluice.users()).some(({ name }) => name === account.name),
  );
  return account;
}

/** As syslog does: sshd's own log has the text alone, and ends its lines as terminals do. */
async function tellOfLogin(stage: SshStage, { name }: Account): Promise<void> {
  const text = await until("sshd tells of the login", async () =>
    (await readFile(stage.sshd.log, "utf8"))
      .split("\r\n")
      .find((line) => line.startsWith(`Accepted publickey for ${name} `)),
  );
  await appendFile(stage.authLog, `Nov 21 05:51:27 host sshd[${stage.sshd.pid}]: ${text}\n`);
}

/**
 * Asks for new names until one comes with its client: it takes the capture a moment to read of the login.
 *
 * @returns the line of the first such name.
 */
function fetchUntilPlaced(log: HostsLog, word: string, fetch: (host: string) => Promise<unknown>) {
  let asked = 0;
  return until(
    `a name of ${word} comes with an address`,
    async () => {
      asked += 1;
      const host = `www.${word}${asked}.example`;
      await fetch(host);
      const line = await log.line(host);
      return line.source === "N/A" ? undefined : line;
    },
    10_000,
    () => log.text(),
  );
}

/** All that the capture keeps. */
async function textBelow({ directory }: Sluice): Promise<string> {
  const folder = join(directory, "data", "hosts");
  const texts = (await readdir(folder)).map((name) => readFile(join(folder, name), "latin1"));
  return (await Promise.all(texts)).join("\n");
}

/**
 * An engine as autoscripts install it: statistics are all its API offers, no
 * inbound that has users has a tag, ports are text, users stand under comment
 * markers. It runs under a stand-in for systemctl, which is the only thing that
 * starts and restarts it and notes how often.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { access, mkdir, mkdtempDisposable, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import type { TestUser } from "../support/engine-config.ts";
import { untilReady } from "../support/engine-ready.ts";
import type { EngineProgram } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import type { Destination } from "../support/tunnel.ts";
import { until } from "../support/until.ts";

export const UNIT = "test-engine.service";

/** An engine that systemctl's stand-in runs. */
export interface UnitEngine {
  readonly configPath: string;
  /** For Sluice: a PATH on which `systemctl` is the stand-in. */
  readonly environment: Readonly<Record<string, string>>;
  config(): Promise<string>;
  /** One line of arguments per restart since the engine was first started. */
  calls(): Promise<readonly string[]>;
  /** Ends the engine and starts another, which has the config as it is then; resolves when its ports are open. */
  restart(): Promise<void>;
  /** Ends it for good, or until a restart. */
  stop(): Promise<void>;
}

export interface StockEngine extends UnitEngine {
  readonly apiPort: number;
  readonly vless: Destination;
  readonly shadowsocks: Destination;
}

/** @param single the one user of the Shadowsocks inbound, whose password is his id. */
export async function startStockEngine(
  program: EngineProgram,
  users: readonly TestUser[],
  single: TestUser,
): Promise<StockEngine> {
  const [apiPort, vless, shadowsocks] = [await freePort(), await freePort(), await freePort()];
  const engine = await startUnit(program, [apiPort, vless, shadowsocks], (folder) =>
    configText({ folder, apiPort, vless, shadowsocks, users, single }),
  );
  const at = (port: number) => ({ address: "127.0.0.1", port });
  return { ...engine, apiPort, vless: at(vless), shadowsocks: at(shadowsocks) };
}

/**
 * Starts an engine on a config, ended with the test.
 *
 * @param ports all that the config opens; the API's is the first.
 * @param text the config, whose logs are to be below the folder.
 */
export async function startUnit(
  program: EngineProgram,
  ports: readonly number[],
  text: (folder: string) => string,
): Promise<UnitEngine> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-stock-"));
  onTestFinished(() => folder.remove());
  const configPath = join(folder.path, "config.json");
  const callsPath = join(folder.path, "calls");
  const pidPath = join(folder.path, "pid");
  await writeFile(configPath, text(folder.path));
  const bin = join(folder.path, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "systemctl"), systemctlScript(program, configPath, pidPath, callsPath), {
    mode: 0o755,
  });
  const inbounds = ports.map((port, index) => ({ tag: index === 0 ? "api-in" : "", port }));
  const restart = async () => {
    await promisify(execFile)(join(bin, "systemctl"), ["restart", UNIT]);
    await untilReady(Number(await readFile(pidPath, "utf8")), { inbounds }, AbortSignal.timeout(10_000));
  };
  onTestFinished(async () => {
    const pid = await readFile(pidPath, "utf8").catch(() => "");
    if (pid !== "") process.kill(Number(pid), "SIGKILL");
  });
  await restart();
  await access(callsPath);
  await writeFile(callsPath, "");
  return {
    configPath,
    environment: { PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` },
    config: () => readFile(configPath, "utf8"),
    calls: async () => (await readFile(callsPath, "utf8")).split("\n").slice(0, -1),
    restart,
    stop: async () => {
      const pid = Number(await readFile(pidPath, "utf8"));
      process.kill(pid, "SIGKILL");
      await until("the engine is gone", () => !existsSync(`/proc/${pid}/exe`));
      await rm(pidPath);
    },
  };
}

/**
 * Ends the engine and starts another, as the real one does for a service of
 * Type=simple. The link is gone as soon as the process has exited, whether or
 * not anybody has waited for it yet: in a container often nobody does.
 */
function systemctlScript(program: EngineProgram, config: string, pid: string, calls: string): string {
  const command = [program.command, ...program.args(config)].map((word) => `'${word}'`).join(" ");
  return `#!/bin/sh
if [ "$1" = show ]; then cat '${pid}'; exit; fi
echo "$*" >>'${calls}'
if [ -f '${pid}' ]; then
  old=$(cat '${pid}')
  kill "$old"
  while [ -e "/proc/$old/exe" ]; do sleep 0.02; done
fi
setsid ${command} >/dev/null 2>&1 </dev/null &
echo $! >'${pid}'
`;
}

interface Layout {
  readonly folder: string;
  readonly apiPort: number;
  readonly vless: number;
  readonly shadowsocks: number;
  readonly users: readonly TestUser[];
  readonly single: TestUser;
}

/** Entries are a marker and a line that closes the one before, as the scripts append them. */
function configText({ folder, apiPort, vless, shadowsocks, users, single }: Layout): string {
  const entries = users
    .map(({ email, id }) => `#vls ${email} 2026-12-31\n},{"id": "${id}","email": "${email}"`)
    .join("\n");
  return `{
  "log" : {
    "access": "${folder}/access.log",
    "error": "${folder}/error.log",
    "loglevel": "warning"
  },
  "inbounds": [
    {
      "listen": "127.0.0.1",
      "port": ${apiPort},
      "protocol": "dokodemo-door",
      "settings": { "address": "127.0.0.1" },
      "tag": "api"
    },
    {
     "listen": "127.0.0.1",
     "port": "${vless}",
     "protocol": "vless",
      "settings": {
          "decryption":"none",
            "clients": [
               {
                 "id": "1d1c1d94-6987-4658-a4dc-8821a30fe7e0"
#vless
${entries}
             }
          ]
       }
     },
     {
       "listen": "127.0.0.1",
       "port": "${shadowsocks}",
       "protocol": "shadowsocks",
       #ssws
       "settings": { "method": "aes-128-gcm", "password": "${single.id}", "email": "${single.email}", "network": "tcp" }
     }
  ],
  "outbounds": [
    { "protocol": "freedom", "settings": { "finalRules": [{ "action": "allow" }] } },
    { "protocol": "blackhole", "settings": {}, "tag": "blocked" }
  ],
  "routing": {
    "rules": [
      { "inboundTag": [ "api" ], "outboundTag": "api", "type": "field" }
    ]
  },
  "stats": {},
  "api": { "services": [ "StatsService" ], "tag": "api" },
  "policy": {
    "levels": { "0": { "statsUserDownlink": true, "statsUserUplink": true } },
    "system": { "statsInboundUplink": true, "statsInboundDownlink": true }
  }
}
`;
}

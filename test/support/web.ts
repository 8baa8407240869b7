/** Debian's nginx, with the servers that a test writes down. */
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { areOpen } from "./engine-ready.ts";
import { endChild, type Namespace } from "./namespaces.ts";
import { commandPath } from "./requirements.ts";
import { until } from "./until.ts";

export interface WebServer extends AsyncDisposable {
  readonly pid: number;
  /** Has it open its logs anew, as logrotate does. */
  reopenLogs(): void;
}

/**
 * @param spawn in a network namespace, or node's own for the present one.
 * @param folder is made: logs named by a relative path are there.
 * @param http what stands in the http block.
 * @param ports on which it listens then.
 * @throws {Error} with what nginx said when it does not within ten seconds.
 */
export async function startWeb(
  { spawn }: Pick<Namespace, "spawn">,
  folder: string,
  http: string,
  ports: readonly number[],
): Promise<WebServer> {
  await mkdir(folder);
  const path = join(folder, "nginx.conf");
  await writeFile(path, configText(folder, http));
  const child = spawn(commandPath("nginx") ?? "nginx", ["-p", folder, "-c", path, "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (text: Buffer) => (said += text.toString()));
  await once(child, "spawn");
  const pid = child.pid as number;
  try {
    await until("nginx listens", () => {
      if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
      return areOpen(pid, ports);
    });
  } catch (error) {
    await endChild(child);
    throw new Error(`Cannot start nginx: ${(error as Error).message}: ${said}`, { cause: error });
  }
  return {
    pid,
    reopenLogs: () => void child.kill("SIGUSR1"),
    [Symbol.asyncDispose]: () => endChild(child),
  };
}

/** One process does all, so that its end is nginx's end. */
function configText(folder: string, http: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${folder}/${name};`)
    .join("\n");
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
${temporary}
${http}
}
`;
}

/** Every name that somebody is counted by: from the daemon, or without one from where it would find them. */
import { join } from "node:path";
import { usageOf } from "../../daemon/state-lock.ts";
import { fileNameOf, userName } from "../../names.ts";
import { type Login, parsePasswd, tunnelLogins } from "../../sources/ssh/logins.ts";
import type { Case } from "./case.ts";
import type { KnownName } from "./checks/users.ts";

export function knownNames(it: Case): readonly KnownName[] {
  if (it.daemon) return it.daemon.users;
  const { settings, engines } = it;
  const services = new Map<string, Set<string>>();
  const note = (name: string, service: string) => {
    const account = (settings.aliases as ReadonlyMap<string, string>).get(name) ?? name;
    services.set(account, (services.get(account) ?? new Set()).add(service));
  };
  for (const { config } of engines) {
    if (config.kind === "unread") continue;
    for (const { clients } of config.content.inbounds) for (const { email } of clients) note(email, "xray");
  }
  for (const { name } of logins(it)) note(name, "ssh");
  return [...services].map(([name, at]) => ({
    name,
    services: [...at].sort(),
    enrolled: enrolledIn(it, name),
  }));
}

/** Logins that Sluice would meter. */
export function logins({ host, settings }: Pick<Case, "host" | "settings">): readonly Login[] {
  if (!settings.ssh) return [];
  return tunnelLogins(parsePasswd(host.read("/etc/passwd") ?? ""), settings.ssh.minUid).logins;
}

/** @throws the system's error when the account's file may not be read. */
function enrolledIn({ host, settings }: Case, name: string): readonly string[] {
  const file = fileOf(name);
  const text = file === undefined ? undefined : host.read(join(usageOf(settings), file));
  try {
    const { enrolled } = Object(JSON.parse(text ?? "{}")) as { enrolled?: unknown };
    return Array.isArray(enrolled) ? enrolled.map(String) : [];
  } catch {
    return []; // one that does not parse is the state's own trouble, and told of when it is loaded
  }
}

/** Undefined for a name that can have no account. */
function fileOf(name: string): string | undefined {
  try {
    return `${fileNameOf(userName(name))}.json`;
  } catch {
    return undefined;
  }
}

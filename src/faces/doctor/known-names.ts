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

/** A file that does not parse is the state's own trouble, and told of when it is loaded. */
function enrolledIn({ host, settings }: Case, name: string): readonly string[] {
  try {
    const text = host.read(join(usageOf(settings), `${fileNameOf(userName(name))}.json`));
    const { enrolled } = Object(JSON.parse(text ?? "{}")) as { enrolled?: unknown };
    return Array.isArray(enrolled) ? enrolled.map(String) : [];
  } catch {
    return [];
  }
}

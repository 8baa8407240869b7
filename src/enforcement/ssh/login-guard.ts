/**
 * Why a login must never be deleted.
 *
 * The operator's own login, a service's, one that a person works with: none of
 * them is ever worth a customer's gigabyte. Whatever cannot be read speaks
 * against a deletion.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, reasonOf } from "../../errors.ts";
import { type Group, type Login, parseGroups, parsePasswd } from "../../sources/ssh/logins.ts";
import { isPlainName } from "./login-name.ts";
import { includesIn, sudoRuleFor } from "./sudoers.ts";
import { SYSTEM, type SystemPaths } from "./system-paths.ts";

export interface Databases {
  readonly logins: readonly Login[];
  readonly groups: readonly Group[];
  /** All sudoers files, or why they cannot be read. */
  readonly sudoers: readonly string[] | Error;
}

export interface GuardRules {
  readonly minUid: number;
  /** Logins that settings name. */
  readonly protected: readonly string[];
  /** Shells that speak for no more than a tunnel, beside the usual ones. */
  readonly shells: readonly string[];
}

const ADMINISTRATORS = ["root", "sudo", "wheel", "admin", "docker", "lxd", "libvirt"];
/** They end at once, so nobody works in them. An empty field is /bin/sh. */
const NO_SHELL = /^(?:\/usr)?\/s?bin\/(?:false|nologin|true|sync)$/;

/** The first reason there is, as the end of a sentence; undefined when nothing speaks against it. */
export function whyNotDelete(name: string, databases: Databases, rules: GuardRules): string | undefined {
  const { logins, groups, sudoers } = databases;
  const [login, twin] = logins.filter((each) => each.name === name);
  if (!login) return "/etc/passwd has no such login";
  if (twin) return "/etc/passwd has the name twice";
  if (!isPlainName(name)) return "his name is none that system tools can be trusted with";
  if (login.uid === 0) return "he is root";
  if (login.uid < rules.minUid) return `his uid ${login.uid} is below ${rules.minUid}`;
  const sharing = logins.filter((each) => each.uid === login.uid && each.name !== name);
  if (sharing.length > 0) return `he shares his uid with ${sharing.map((each) => each.name).join(", ")}`;
  if (rules.protected.includes(name)) return "the settings protect him";
  const his = groups.filter((group) => group.gid === login.gid || group.members.includes(name));
  const powerful = his.find((group) => ADMINISTRATORS.includes(group.name));
  if (powerful) return `he is in the group ${powerful.name}`;
  if (sudoers instanceof Error)
    return `it cannot be told whether he has rights through sudo: ${reasonOf(sudoers)}`;
  for (const text of sudoers) {
    const rule = sudoRuleFor(text, { name, uid: login.uid, groups: [...his, { name, gid: login.gid }] });
    if (rule !== undefined) return `a sudoers rule may mean him: "${rule.slice(0, 80)}"`;
  }
  if (!NO_SHELL.test(login.shell) && !rules.shells.includes(login.shell)) {
    return `he has the interactive shell ${login.shell === "" ? "/bin/sh" : login.shell}`;
  }
  return undefined;
}

/** @throws the system's error when passwd or group cannot be read. */
export function readDatabases(paths: SystemPaths = SYSTEM): Databases {
  return {
    logins: parsePasswd(readFileSync(paths.passwd, "utf8")),
    groups: parseGroups(readFileSync(paths.group, "utf8")),
    sudoers: readSudoers(paths.sudoers),
  };
}

function readSudoers(path: string): string[] | Error {
  try {
    return sudoersFrom(path, []);
  } catch (error) {
    // Without the file there is no sudo here.
    if (codeOf(error) === "ENOENT" && (error as { path?: string }).path === path) return [];
    return error instanceof Error ? error : new Error(reasonOf(error));
  }
}

/** @param from the files that led here. */
function sudoersFrom(path: string, from: readonly string[]): string[] {
  if (from.includes(path)) throw new Error(`"${path}" is included in a circle`);
  const text = readFileSync(path, "utf8");
  const files = includesIn(text).flatMap(({ kind, path: included }) => {
    const absolute = included.startsWith("/") ? included : join(path, "..", included);
    if (kind === "file") return [absolute];
    // sudo passes over names with a dot or a "~" at the end; looked at all the same, since a doubt protects.
    return namesIn(absolute).map((name) => join(absolute, name));
  });
  return [text, ...files.flatMap((file) => sudoersFrom(file, [...from, path]))];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink()) // a pipe would be waited for
      .map((entry) => entry.name);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/**
 * The local user database: /etc/passwd and /etc/group (passwd(5), group(5)).
 *
 * Only the files are read, never the name service: an account that lives
 * elsewhere is nobody's to cut or delete here. Lines that do not parse are
 * passed over, as the system's own tools do.
 */
import { readFileSync, statSync } from "node:fs";
import { userName } from "../../names.ts";

export interface Login {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** The whole line, by which the login is known for the same again. */
  readonly line: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
  readonly line: string;
}

const NOBODY = 65_534;
/** The kernel's highest; the one above means "none" to system calls. */
const HIGHEST_ID = 2 ** 32 - 2;

export function parsePasswd(text: string): Login[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , uid = "", gid = "", , home = "", shell = "", ...more] = line.split(":");
    if (!isName(name) || !isId(uid) || !isId(gid) || line.split(":").length < 7 || more.length > 0) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home, shell, line }];
  });
}

export function parseGroups(text: string): Group[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , gid = "", members = "", ...more] = line.split(":");
    if (!isName(name) || !isId(gid) || more.length > 0) return [];
    return [{ name, gid: Number(gid), members: members.split(",").filter((each) => each !== ""), line }];
  });
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= HIGHEST_ID;
}

/** A name that no account can have is no login's either. */
function isName(text: string): boolean {
  try {
    userName(text);
    return true;
  } catch {
    return false;
  }
}

export interface TunnelLogins {
  readonly logins: readonly Login[];
  /** Those whose traffic cannot be told from another's. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/** Those that people can have tunnels with: a uid of `minUid` or more, each uid one name's alone. */
export function tunnelLogins(all: readonly Login[], minUid: number): TunnelLogins {
  const candidates = all.filter(({ name, uid }) => uid >= minUid && uid !== NOBODY && name !== "nobody");
  const byUid = Map.groupBy(all, ({ uid }) => uid);
  const byName = Map.groupBy(all, ({ name }) => name);
  const logins: Login[] = [];
  const refused: { name: string; why: string }[] = [];
  for (const login of candidates) {
    const others = byUid.get(login.uid)?.filter(({ name }) => name !== login.name) ?? [];
    if (others.length > 0) {
      refused.push({
        name: login.name,
        why: `its uid ${login.uid} is also that of ${others.map(({ name }) => name).join(", ")}`,
      });
    } else if ((byName.get(login.name)?.length ?? 0) > 1) {
      refused.push({ name: login.name, why: "/etc/passwd has it more than once" });
    } else {
      logins.push(login);
    }
  }
  return { logins, refused };
}

/** /etc/passwd, read again when it was replaced or changed. */
export class LoginFile {
  readonly #path: string;
  #seen = "";

  constructor(path = "/etc/passwd") {
    this.#path = path;
  }

  /** Whether it is another than at the last `read()`: one stat. */
  changed(): boolean {
    return this.#state() !== this.#seen;
  }

  /** @throws the system's error. */
  read(): Login[] {
    this.#seen = this.#state(); // before the content: what changes in between is seen at the next look
    return parsePasswd(readFileSync(this.#path, "utf8"));
  }

  #state(): string {
    const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  }
}

/** Who sends a request: by its bearer token if it shows one, else by the login of its cookie. */
import type { Viewer } from "../viewer.ts";
import type { Login, Logins } from "./logins.ts";
import type { Tokens } from "./tokens.ts";

export type Identity =
  | { readonly kind: "login"; readonly viewer: Viewer; readonly login: Login }
  | { readonly kind: "token"; readonly viewer: Viewer }
  /** Why it is nobody's. */
  | {
      readonly kind: "nobody";
      readonly why: "no_login" | "unknown_login" | "expired_login" | "unknown_token";
    };

/** As they came. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
}

const MOST_SHOWN = 256;

/** "__Host-": the browser takes it over TLS alone, and from no other host of the domain. */
export function cookieName(secure: boolean): string {
  return secure ? "__Host-sluice" : "sluice";
}

export class Identities {
  readonly #logins: Logins;
  readonly #tokens: Tokens;
  readonly #now: () => number;

  constructor(logins: Logins, tokens: Tokens, now: () => number) {
    this.#logins = logins;
    this.#tokens = tokens;
    this.#now = now;
  }

  /** @param secure whether the client speaks TLS: it decides which cookie counts. */
  of({ authorization, cookie }: Credentials, secure: boolean): Identity {
    if (authorization !== undefined) return this.#ofToken(authorization);
    const shown = cookieValue(cookie ?? "", cookieName(secure));
    if (shown === undefined) return { kind: "nobody", why: "no_login" };
    const login = shown.length > MOST_SHOWN ? "unknown" : this.#logins.find(shown, this.#now());
    if (login === "unknown" || login === "expired") return { kind: "nobody", why: `${login}_login` };
    const { name, role, id } = login;
    return { kind: "login", login, viewer: { name, role, scopes: undefined, key: `login:${id}` } };
  }

  /** Whether the login or token by which somebody came is still one; looking does not prolong it. */
  lasts({ key }: Viewer): boolean {
    const [kind, id] = key.split(":");
    return kind === "token" ? this.#tokens.lasts(Number(id)) : this.#logins.lasts(Number(id), this.#now());
  }

  #ofToken(authorization: string): Identity {
    const shown = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const token =
      shown === undefined || shown.length > MOST_SHOWN ? undefined : this.#tokens.find(shown, this.#now());
    if (!token) return { kind: "nobody", why: "unknown_token" };
    const { id, name, scopes } = token;
    const role = scopes.includes("write") ? "admin" : "viewer";
    return { kind: "token", viewer: { name, role, scopes, key: `token:${id}` } };
  }
}

function cookieValue(header: string, name: string): string | undefined {
  const pair = header.split(";").find((each) => each.trim().startsWith(`${name}=`));
  return pair?.trim().slice(name.length + 1);
}

/**
 * Every secret in a config's text by which a user comes in, and where it stands.
 *
 *     {"email": "joe", "id": "1111-..."}      vless, vmess
 *     {"email": "joe", "password": "..."}     trojan, shadowsocks
 *     {"email": "joe", "auth": "..."}         hysteria
 *     {"user": "joe", "pass": "..."}          socks, http
 *
 * Pure: no clock, no I/O.
 */
import { type JsonNode, type JsonText, memberOf, readTree, textOf } from "./config-text.ts";

/** The inbound an entry stands in, as well as the file can name it. */
export interface InboundName {
  /** Place in the file's list, from 0; another program's edit can move it. */
  readonly index: number;
  readonly tag: string | undefined;
  /** In lower case. */
  readonly protocol: string;
}

/** What a new secret has to look like for the engine to accept it. Keys are base64 of 16 or 32 bytes. */
export type SecretKind = "uuid" | "password" | "key-16" | "key-32";

export interface SecretPlace {
  /** The user's name as the engine compares it: exact, case kept. */
  readonly user: string;
  readonly inbound: InboundName;
  /** The name of the member that holds it. */
  readonly field: SecretField;
  readonly kind: SecretKind;
  readonly place: JsonText;
}

export type SecretField = "id" | "password" | "auth" | "pass";

/** @throws {SyntaxError} when the text is not JSON with comments. */
export function secretsIn(text: string): SecretPlace[] {
  const inbounds = memberOf(readTree(text), "inbounds");
  return itemsOf(inbounds).flatMap((inbound, index) => {
    const protocol = textOf(inbound, "protocol")?.value.toLowerCase() ?? "";
    const layout = LAYOUTS[protocol];
    if (!layout) return [];
    const name = { index, tag: textOf(inbound, "tag")?.value || undefined, protocol };
    const settings = memberOf(inbound, "settings");
    const kind = protocol === "shadowsocks" ? shadowsocksKind(settings) : layout.kind;
    return entriesOf(settings, layout.lists, protocol).flatMap((entry) => {
      const user = textOf(entry, layout.user)?.value;
      const place = textOf(entry, layout.field);
      return user && place ? [{ user, inbound: name, field: layout.field, kind, place }] : [];
    });
  });
}

interface Layout {
  /** Where the entries are; the first that is there counts (newer Xray says "users", and lets "clients" win). */
  readonly lists: readonly string[];
  readonly user: string;
  readonly field: SecretField;
  readonly kind: SecretKind;
}

const CLIENTS = ["clients", "users"] as const;

const LAYOUTS: Readonly<Record<string, Layout>> = {
  vless: { lists: CLIENTS, user: "email", field: "id", kind: "uuid" },
  vmess: { lists: CLIENTS, user: "email", field: "id", kind: "uuid" },
  trojan: { lists: CLIENTS, user: "email", field: "password", kind: "password" },
  shadowsocks: { lists: CLIENTS, user: "email", field: "password", kind: "password" },
  hysteria: { lists: CLIENTS, user: "email", field: "auth", kind: "password" },
  socks: { lists: ["accounts"], user: "user", field: "pass", kind: "password" },
  http: { lists: ["accounts"], user: "user", field: "pass", kind: "password" },
};

/** Shadowsocks without a list of users (for 2022, without users in it) has one: the inbound's settings are his entry. */
function entriesOf(
  settings: JsonNode | undefined,
  lists: readonly string[],
  protocol: string,
): readonly JsonNode[] {
  const list = lists.map((name) => memberOf(settings, name)).find((node) => node?.kind === "list");
  const entries = itemsOf(list);
  const alone = list === undefined || (entries.length === 0 && shadowsocksKind(settings) !== "password");
  return protocol === "shadowsocks" && settings && alone ? [settings] : entries;
}

/** A 2022 method takes a key of its cipher's length, the older ones any password (SIP022, "PSK"). */
function shadowsocksKind(settings: JsonNode | undefined): SecretKind {
  const method = textOf(settings, "method")?.value ?? "";
  if (!method.startsWith("2022-blake3-")) return "password";
  return method === "2022-blake3-aes-128-gcm" ? "key-16" : "key-32";
}

function itemsOf(node: JsonNode | undefined): readonly JsonNode[] {
  return node?.kind === "list" ? node.items : [];
}

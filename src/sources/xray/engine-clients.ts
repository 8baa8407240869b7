/**
 * The users of one inbound, with what it takes to add each of them again.
 *
 * Every protocol keeps its users in its own way; Shadowsocks with a single user
 * has no list at all, socks and http know names instead of e-mails. Newer Xray
 * writes "users" where all others write "clients"; with both, "clients" wins.
 * A client with a field that cannot be read is left out and named as a problem.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import { type UserName, userName } from "../../names.ts";
import { countAt, flagAt, neededTextAt, type Section, sectionsAt, textAt } from "./json-section.ts";

export type ClientAccount =
  /** `flow` is "" for none; an inbound's default flow is already worked in. */
  | { protocol: "vless"; id: string; flow: string; encryption: string | undefined }
  /** `security` is what the client asks for ("auto"), undefined when the file does not say. */
  | { protocol: "vmess"; id: string; security: string | undefined; alterId: number }
  | { protocol: "trojan"; password: string }
  /** `method` as written, such as "aes-128-gcm". */
  | { protocol: "shadowsocks"; password: string; method: string; ivCheck: boolean }
  /** `key` is base64 of 16 or 32 bytes, as `method` demands. */
  | { protocol: "shadowsocks_2022"; key: string; method: string }
  | { protocol: "hysteria"; auth: string }
  /** No user of these can be removed or added while the engine runs. */
  | { protocol: "socks" | "http"; password: string };

export interface EngineClient {
  /** The engine's own name for him, case kept: the name in his counters. */
  readonly email: UserName;
  /** Counted only if `policy.levels` has this level with its stats flags. */
  readonly level: number;
  readonly account: Readonly<ClientAccount>;
}

/** @param protocol in lower case. A protocol without users has no clients. */
export function readClients(protocol: string, settings: Section): EngineClient[] {
  switch (protocol) {
    case "vless":
      return listed(settings, (client) => ({
        protocol,
        id: neededTextAt(client, "id"),
        flow: vlessFlow(textAt(client, "flow") || textAt(settings, "flow")),
        encryption: textAt(client, "encryption"),
      }));
    case "vmess":
      return listed(settings, (client) => ({
        protocol,
        id: neededTextAt(client, "id"),
        security: textAt(client, "security"),
        alterId: countAt(client, "alterId") ?? 0,
      }));
    case "trojan":
      return listed(settings, (client) => ({ protocol, password: neededTextAt(client, "password") }));
    case "shadowsocks":
      return shadowsocksClients(settings);
    case "hysteria":
      return listed(settings, (client) => ({ protocol, auth: neededTextAt(client, "auth") }));
    case "socks":
    case "http":
      return (sectionsAt(settings, "accounts") ?? []).flatMap(({ section }) =>
        readClient(section, { name: "user", level: countAt(settings, "userLevel") }, (account) => ({
          protocol,
          password: neededTextAt(account, "pass"),
        })),
      );
    default:
      return [];
  }
}

/** Without a list the inbound's own password is its only user's; for the 2022 methods an empty list counts as none. */
function shadowsocksClients(settings: Section): EngineClient[] {
  const method = textAt(settings, "method") ?? "";
  const is2022 = method.startsWith("2022-blake3-");
  const list = clientList(settings);
  const read = (client: Section): ClientAccount =>
    is2022
      ? { protocol: "shadowsocks_2022", key: neededTextAt(client, "password"), method }
      : {
          protocol: "shadowsocks",
          password: neededTextAt(client, "password"),
          method: textAt(client, "method") ?? method,
          ivCheck: flagAt(settings, "ivCheck"),
        };
  if (list === undefined || (is2022 && list.length === 0)) return readClient(settings, EMAIL, read);
  return list.flatMap(({ section }) => readClient(section, EMAIL, read));
}

function listed(settings: Section, read: (client: Section) => ClientAccount): EngineClient[] {
  return (clientList(settings) ?? []).flatMap(({ section }) => readClient(section, EMAIL, read));
}

function clientList(settings: Section): ReturnType<typeof sectionsAt> {
  return sectionsAt(settings, "clients") ?? sectionsAt(settings, "users");
}

const EMAIL = { name: "email", level: undefined } as const;

function readClient(
  client: Section,
  identity: { readonly name: string; readonly level: number | undefined },
  read: (client: Section) => ClientAccount,
): EngineClient[] {
  const { problems, path } = client;
  const problemsBefore = problems.length;
  const email = textAt(client, identity.name) ?? "";
  const level = identity.level ?? countAt(client, "level") ?? 0;
  const account = read(client);
  if (problems.length > problemsBefore) return [];
  if (email === "") {
    problems.push(`${path}: has no ${identity.name}, so this user cannot be metered`);
    return [];
  }
  try {
    return [{ email: userName(email), level, account }];
  } catch (error) {
    problems.push(`${path}.${identity.name}: ${reasonOf(error)}`);
    return [];
  }
}

/** "none" says outright what an absent flow means; it also shields a client from the inbound's default. */
function vlessFlow(flow: string | undefined): string {
  return flow === undefined || flow === "none" ? "" : flow;
}

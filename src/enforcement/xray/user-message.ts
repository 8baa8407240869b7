/**
 * A user as HandlerService wants him: protocol.User with his account inside a
 * TypedMessage, whose type is the bare proto name. Xray's names begin with
 * `xray.`, V2Ray 4's with `v2ray.core.` (facts: xray 4.1).
 *
 * Pure but for the encoder.
 */
import type { EngineClient } from "../../sources/xray/engine-clients.ts";
import { encodeMessage } from "../../sources/xray/session.ts";

export type Dialect = "xray" | "v2ray";

export interface TypedMessage {
  readonly type: string;
  readonly value: Uint8Array;
}

export function typedMessage(dialect: Dialect, name: string, message: string, value: object): TypedMessage {
  const prefix = dialect === "xray" ? "xray" : "v2ray.core";
  return { type: `${prefix}.${name}`, value: encodeMessage(message, value) };
}

const CIPHERS: Readonly<Record<string, number>> = {
  "aes-128-gcm": 5,
  "aes-256-gcm": 6,
  "chacha20-poly1305": 7,
  "chacha20-ietf-poly1305": 7,
  "xchacha20-poly1305": 8,
  "xchacha20-ietf-poly1305": 8,
};

/**
 * The bytes of protocol.User for a client of config.json.
 *
 * @returns undefined for protocols whose users cannot be added to a running engine.
 */
export function userMessageOf(client: EngineClient, dialect: Dialect): Uint8Array | undefined {
  const account = accountOf(client.account, dialect);
  return account && encodeMessage("User", { level: client.level, email: client.email, account });
}

function accountOf(account: EngineClient["account"], dialect: Dialect): TypedMessage | undefined {
  switch (account.protocol) {
    case "vless":
      return typedMessage(dialect, "proxy.vless.Account", "VlessAccount", {
        id: account.id,
        flow: account.flow,
        encryption: account.encryption ?? "none",
      });
    case "vmess":
      return typedMessage(dialect, "proxy.vmess.Account", "VmessAccount", {
        id: account.id,
        alterId: account.alterId,
      });
    case "trojan":
      return typedMessage(dialect, "proxy.trojan.Account", "TrojanAccount", { password: account.password });
    case "shadowsocks": {
      const cipherType = CIPHERS[account.method.toLowerCase()];
      if (cipherType === undefined) return undefined;
      const { password, ivCheck } = account;
      return typedMessage(dialect, "proxy.shadowsocks.Account", "ShadowsocksAccount", {
        password,
        cipherType,
        ivCheck,
      });
    }
    case "shadowsocks_2022":
      return typedMessage(dialect, "proxy.shadowsocks_2022.Account", "Shadowsocks2022Account", {
        key: account.key,
      });
    case "hysteria":
    case "socks":
    case "http":
      return undefined;
    default:
      return account satisfies never;
  }
}

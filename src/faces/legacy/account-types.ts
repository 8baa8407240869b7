/**
 * Account types as the old menus and scripts name them: how an account was made.
 *
 * Pure: no clock, no I/O.
 */
export const ACCOUNT_TYPES = ["ssh", "vmess", "vless", "trojan", "ssws", "openvpn"] as const;

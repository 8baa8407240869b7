/** Settings for fault tests: quick looks and quick saves, so that faults fall between all of them. */
export const KEEPER = "engine";

/** @param api the engine's, as settings name it. */
export function faultSettings(api: string): object {
  return {
    time_zone: "UTC",
    max_period_ms: 50,
    flush_ms: 100,
    usage_files_ms: 1000,
    xray: [{ name: KEEPER, api, config: null, access_log: null, service: null, gates: "off" }],
    ...{ ssh: null, openvpn: null, hosts: null, history: null, connections: null, web: null },
  };
}

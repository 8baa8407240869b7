/** What the capture needs to know of engines, by their config files: protocols, logs, what is theirs alone. */
import type { Settings } from "../config.ts";
import type { TapStatus } from "../hosts/capture-desk.ts";
import { EngineProtocols } from "../hosts/engine-protocols.ts";
import type { EngineTags } from "../hosts/logs/access-sighting.ts";
import type { UserName } from "../names.ts";
import { EngineFiles } from "../sources/xray/engine-files.ts";

export class CaptureEngines implements EngineTags {
  readonly #settings: Settings["xray"];
  readonly #files: readonly EngineFiles[];
  #protocols = new EngineProtocols([]);

  constructor({ xray }: Settings) {
    this.#settings = xray;
    this.#files = xray.map(({ config }) => new EngineFiles(config, () => ({})));
  }

  /** Outbounds that engines keep for their own API. */
  get apiTags(): readonly string[] {
    return this.#files.flatMap(({ config }) => config?.apiTag ?? []);
  }

  get accessLogs(): readonly string[] {
    return this.#settings.flatMap(({ accessLog }, index) => {
      const target = this.#files[index]?.config?.accessLog;
      if (accessLog === "auto") return target?.kind === "file" ? [target.path] : [];
      return accessLog === null ? [] : [accessLog];
    });
  }

  /** Config files that were never readable, for the status. */
  get unread(): readonly TapStatus[] {
    return this.#files.flatMap(({ path, config, trouble }) =>
      path === undefined || config || trouble === undefined
        ? []
        : [{ name: path, trouble, taken: 0, dropped: 0 }],
    );
  }

  protocolOf(tag: string | undefined, user: UserName | undefined): string | undefined {
    return this.#protocols.protocolOf(tag, user);
  }

  /** Looks at the files again. */
  async refresh(): Promise<void> {
    const changed = await Promise.all(this.#files.map((file) => file.refresh()));
    if (!changed.includes(true)) return;
    const inbounds = this.#files.flatMap(({ config }) => config?.inbounds ?? []);
    this.#protocols = new EngineProtocols(
      inbounds.map(({ tag, protocol, clients }) => ({
        ...{ tag, protocol },
        users: clients.map(({ email }) => email),
      })),
    );
  }
}

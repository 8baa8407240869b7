/**
 * What a parser can say of the first bytes of a flow: three ways to say no.
 *
 * Pure: types alone.
 */
export type SniffResult =
  | { readonly kind: "host"; readonly names: readonly SniffedName[] }
  /** The protocol matches, but the client named no host (no SNI, HTTP/1.0). */
  | { readonly kind: "no-host" }
  /** So far so good: call again with the same bytes and more behind them. */
  | { readonly kind: "incomplete" }
  /** Not this protocol, or broken beyond use. */
  | { readonly kind: "mismatch" };

/** As the client sent it, one character per byte, unchecked: `parseHostname()` decides what becomes of it. */
export interface SniffedName {
  readonly name: string;
  readonly service: NameService;
  /**
   * The ClientHello may hold another, encrypted: then this is the name of whoever decrypts it. Browsers
   * put the same extension, filled at random (GREASE), into every hello, so it is often the real name all the same.
   */
  readonly ech?: true;
}

/** In which place of which protocol a name stood. */
export type NameService = "SNI" | "QUIC" | "Header-Host" | "Proxy-Host" | "DNS";

/**
 * Whether a request was sent by our own page, or by another's with the login's
 * cookie in its hand.
 *
 * Browsers of today say it in Sec-Fetch-Site, which no page can forge; the older
 * ones in Origin, which has to name the host that was asked. Programs with a token
 * send neither, and need none.
 *
 * Pure: no clock, no I/O.
 */
export interface OriginHeaders {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
}

/** @param secure whether the client speaks TLS. @returns "unsaid" when the request does not tell. */
export function originOf(headers: OriginHeaders, secure: boolean): "own" | "foreign" | "unsaid" {
  const { host, origin, fetchSite } = headers;
  if (fetchSite !== undefined) return fetchSite === "same-origin" ? "own" : "foreign";
  if (origin === undefined) return "unsaid";
  if (host === undefined || !URL.canParse(origin)) return "foreign";
  const url = new URL(origin);
  if (secure && url.protocol !== "https:") return "foreign";
  const asked = URL.canParse(`${url.protocol}//${host}`) ? new URL(`${url.protocol}//${host}`).host : "";
  return url.host !== "" && url.host === asked ? "own" : "foreign";
}

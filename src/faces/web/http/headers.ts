/**
 * The headers of every answer.
 *
 * Pure: no clock, no I/O.
 */

/** All comes from us, nothing stands inline, nobody frames us. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HALF_A_YEAR_S = 15_552_000;

/** What is not to be kept says nothing; the page's files say otherwise. @param secure whether the client speaks TLS: over HTTP, Strict-Transport-Security would be ignored at best. */
export function commonHeaders(secure: boolean): Readonly<Record<string, string>> {
  return {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    ...(secure ? { "strict-transport-security": `max-age=${HALF_A_YEAR_S}` } : {}),
  };
}

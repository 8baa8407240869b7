/**
 * Shuts a user out in the text of config.json, and lets him back in.
 *
 * His entry and its marker comment stay, since scripts look for both; only the
 * id or password becomes one that nobody knows. What was there is handed back
 * to be kept, and is put back only where our value still stands: if a script
 * renewed or replaced the entry meanwhile, the script's value is the right one.
 *
 * Pure: no clock, no I/O; where new secrets come from is passed in.
 */
import type { UserName } from "../../names.ts";
import {
  type InboundName,
  type SecretField,
  type SecretKind,
  type SecretPlace,
  secretsIn,
} from "./config-secrets.ts";
import { replaceLiterals } from "./config-text.ts";

/** One secret taken out of the config, with all it takes to put it back. */
export interface HeldSecret {
  readonly user: UserName;
  readonly inbound: InboundName;
  readonly field: SecretField;
  /** As it was written, the JSON string with its quotes and escapes, so that putting it back changes no byte. */
  readonly original: string;
  /** The plain value that stands there now. Unique, so it also finds the entry again. */
  readonly ours: string;
}

/**
 * Replaces the secrets of `users` in `inbounds` (places in the file's list).
 * A user without an entry there, or without a secret in it, gets no held
 * secret: compare. Do not pass users whose secrets are held already, or the
 * first replacement becomes the second's original.
 *
 * @throws {SyntaxError} when the text is not JSON with comments.
 */
export function planNeutralise(
  text: string,
  users: ReadonlySet<UserName>,
  inbounds: ReadonlySet<number> | "all",
  freshSecret: (kind: SecretKind) => string,
): { text: string; held: HeldSecret[] } {
  const taken = secretsIn(text)
    .filter(
      ({ user, inbound }) =>
        users.has(user as UserName) && (inbounds === "all" || inbounds.has(inbound.index)),
    )
    .map((secret) => ({ ...secret, ours: freshSecret(secret.kind) }));
  return {
    text: replaceLiterals(
      text,
      taken.map(({ place, ours }) => ({ place, literal: JSON.stringify(ours) })),
    ),
    held: taken.map(({ user, inbound, field, place, ours }) => ({
      user: user as UserName,
      inbound,
      field,
      original: text.slice(place.start, place.end),
      ours,
    })),
  };
}

/**
 * Puts originals back. `foreign` are those whose user has no entry with our
 * value any more: deleted, renewed or replaced by somebody else, so not ours to
 * touch.
 *
 * @throws {SyntaxError} when the text is not JSON with comments.
 */
export function restoreHeld(
  text: string,
  held: readonly HeldSecret[],
): { text: string; restored: HeldSecret[]; foreign: HeldSecret[] } {
  const byValue = Map.groupBy(secretsIn(text), ({ place }) => place.value);
  const used = new Set<SecretPlace>();
  const changes: { place: SecretPlace["place"]; literal: string }[] = [];
  const restored: HeldSecret[] = [];
  const foreign: HeldSecret[] = [];
  for (const secret of held) {
    const found = entryOf(secret, byValue.get(secret.ours)?.filter((place) => !used.has(place)) ?? []);
    if (!found) {
      foreign.push(secret);
      continue;
    }
    used.add(found);
    changes.push({ place: found.place, literal: secret.original });
    restored.push(secret);
  }
  return { text: replaceLiterals(text, changes), restored, foreign };
}

/**
 * Our value under the user's name, in his inbound by tag, by place, or else in
 * any of the same protocol: without tags, an inbound added in front moves all
 * places, and he would stay shut out for good.
 */
function entryOf(held: HeldSecret, withOurValue: readonly SecretPlace[]): SecretPlace | undefined {
  const { tag, index, protocol } = held.inbound;
  const his = withOurValue.filter(
    ({ user, field, inbound }) => user === held.user && field === held.field && inbound.protocol === protocol,
  );
  return (
    his.find(({ inbound }) => (tag === undefined ? inbound.index === index : inbound.tag === tag)) ?? his[0]
  );
}

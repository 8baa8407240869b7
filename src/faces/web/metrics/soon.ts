/** An answer, if it comes soon: a scraper gives up, and is better told that somebody does not answer. */

const LONGEST_MS = 3_000;

/** @returns undefined for a failure, and when three seconds are over. */
export async function soon<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), LONGEST_MS);
  try {
    return await Promise.race([asked, late.promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

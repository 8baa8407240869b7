/**
 * Makes text from outside safe to stand in a cell: names and hosts come from
 * clients, and may carry what a terminal would obey.
 *
 * Pure: no clock, no I/O.
 */

/**
 * Control characters, lone surrogates and line separators become U+FFFD. Marks
 * that turn the writing direction, and others that show nothing, go: with them
 * one name could look like another. Joiners stay, since Persian and emoji need
 * them.
 */
export function safeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(HARMFUL, "\ufffd").replace(INVISIBLE, "");
}

const PLAIN = /^[\u0020-\u007e]*$/;
const HARMFUL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** Format characters but for the joiners U+200C and U+200D. */
const INVISIBLE = /[[\p{Cf}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d\p{Variation_Selector}]]/gv;

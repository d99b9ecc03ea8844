/**
 * Names and other texts of a user's, made safe to show. Everything that prints one goes through here: a message, a
 * table, a log. What a terminal obeys, hides or draws in another order stands as an escape, `\u202e`.
 */

/** A name longer than this is cut. */
const MOST_OF_NAME = 80;
/** A path says most at its end, so it is cut only where it is absurd. */
const MOST_OF_PATH = 1000;

/** Controls, text direction, separators and odd spaces, half surrogate pairs, and all that is drawn as nothing. */
const HIDDEN = /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;
const HIDDEN_IN_LINES = /(?![ \n])[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

const escaped = (found: string): string =>
  Array.from(
    { length: found.length },
    (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");

/** A text that may hold a user's: what would not show is escaped. As JSON, or a literal, it means what it meant. */
export const visible = (text: string): string => text.replace(HIDDEN, escaped);

/** The same for several lines. */
export const visibleLines = (text: string): string => text.replace(HIDDEN_IN_LINES, escaped);

/** The same where columns count: a UTF-16 unit stays one column. */
export const visibleColumns = (text: string): string =>
  text.replace(HIDDEN, (found) => (/\p{Cc}/u.test(found) ? " " : "·".repeat(found.length)));

/** Character by character, so that the cut parts neither a pair nor an escape. */
function cut(text: string, most: number, show: (part: string) => string): string {
  if (text.length <= most) {
    const all = show(text);
    if (all.length <= most) return all;
  }
  let shown = "";
  for (const character of text) {
    const next = shown + show(character);
    if (next.length >= most) break;
    shown = next;
  }
  return `${shown}…`;
}

const inQuotes = (text: string): string => visible(JSON.stringify(text).slice(1, -1));
const withoutQuotes = (text: string): string => visible(text.replaceAll("\\", "\\\\"));

/** A name for a sentence: in quotes, and cut where it is very long. No two names look alike but for the cut. */
export const quoted = (name: string): string => `"${cut(name, MOST_OF_NAME, inQuotes)}"`;

/** A layer for a sentence: `layer "conv1" (Convolution)`. */
export const quotedLayer = (name: string, type = ""): string =>
  `layer ${quoted(name)}${type === "" ? "" : ` (${unquoted(type)})`}`;

/** A path, or a URL, for a sentence. */
export const quotedPath = (path: string): string => `"${cut(path, MOST_OF_PATH, inQuotes)}"`;

/** A name for a table or a heading, where quotes would be noise: at most `most` long. */
export const unquoted = (name: string, most = 60): string => cut(name, most, withoutQuotes);

/** A name or a path in a log, which programs read as well: whole, but where it is absurd. */
export const logged = (text: string): string => unquoted(text, MOST_OF_PATH);

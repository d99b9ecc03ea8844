/** Files as arguments: by path, by URL, by their bytes. */

import { quotedPath } from "../words/names.js";
import { kindOf } from "../words/shown-value.js";
import { textOfBytes } from "../words/text-bytes.js";
import type { Rule } from "./argument-rules.js";
import { pathOfUrl } from "./file-url.js";

const isUrl = (value: unknown): value is URL =>
  typeof value === "object" && value !== null && kindOf(value) === "URL";

/** Where a file or folder lies: a path, or a URL that says one. */
export const path: Rule<string> = {
  nouns: ["a path", "a file: URL"],
  is: (value) => typeof value === "string" || isUrl(value),
  take(value, where, say) {
    const given = isUrl(value) ? value.href : String(value);
    if (typeof value === "string" && !/^file:\/\//i.test(value)) return value;
    if (/^file:/i.test(given)) return pathOfUrl(given);
    say(`${where} is the URL ${quotedPath(given)}; only file: URLs are read`, "download it first");
    return "";
  },
};

const isBytes = (value: unknown): boolean => {
  const kind = typeof value === "object" && value !== null ? kindOf(value) : "";
  return kind === "Uint8Array" || kind === "ArrayBuffer" || kind === "SharedArrayBuffer";
};

/** The content of a file, copied. */
export const bytes: Rule<Uint8Array> = {
  nouns: ["its bytes in a Uint8Array or an ArrayBuffer"],
  is: isBytes,
  // An array is copied as it is made into one; a buffer only looked at.
  take: (value) =>
    ArrayBuffer.isView(value)
      ? new Uint8Array(value as Uint8Array)
      : new Uint8Array(value as ArrayBuffer).slice(),
};

/** The text of a file: itself, or its bytes. */
export const fileText: Rule<string> = {
  nouns: ["a string", ...bytes.nouns],
  is: (value) => typeof value === "string" || isBytes(value),
  take: (value, where, say) =>
    typeof value === "string" ? value : textOfBytes(bytes.take(value, where, say)),
};

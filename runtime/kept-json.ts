import { textOfBytes } from "../proto/words/text-bytes.js";

/**
 * What an entry of the cache says. An entry is this code's own, by its name; one that reads otherwise is somebody else's and is
 * nothing.
 *
 * @param isWhole whether what was written has the parts that are read
 */
export function readKeptJson<T extends object>(
  bytes: Uint8Array,
  isWhole: (written: { readonly [K in keyof T]?: unknown }) => boolean,
): T | undefined {
  try {
    const written: unknown = JSON.parse(textOfBytes(bytes));
    return typeof written === "object" && written !== null && isWhole(written) ? (written as T) : undefined;
  } catch {
    return undefined;
  }
}

import { quotedPath } from "../../proto/words/names.js";
import { troubleOf } from "../../proto/words/trouble.js";
/** Where bytes come from: a URL, or a path where there are files. */
export type Location = string | { readonly href: string };

/** A URL of its own, or one relative to the page; undefined for a path of this machine. */
function urlOf(location: Location): URL | undefined {
  const text = typeof location === "string" ? location : location.href;
  try {
    const url = new URL(text);
    // `C:\net` is a path, though it reads as a URL.
    if (url.protocol.length > 2) return url;
  } catch {
    // Not one by itself.
  }
  const page = (globalThis as { readonly location?: { readonly href?: string } }).location?.href;
  return page === undefined ? undefined : new URL(text, page);
}

/**
 * The bytes behind a URL or a path.
 *
 * @throws Error that names what could not be read, and why
 */
export async function readBytes(location: Location): Promise<Uint8Array> {
  const url = urlOf(location);
  const shown = typeof location === "string" ? location : location.href;
  try {
    if (url === undefined || url.protocol === "file:") {
      const { readFile } = await import("node:fs/promises");
      return await readFile(url ?? shown);
    }
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server says ${response.status} ${response.statusText}`.trim());
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`cannot read ${quotedPath(shown)}: ${troubleOf(error)}`, { cause: error });
  }
}

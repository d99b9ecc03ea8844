import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { userError } from "../errors/index.js";
import { type NetDef, parseNet } from "../prototxt/index.js";

/** A text cannot be mistaken for a path: a net has fields, and a field has a colon or a brace. */
export const looksLikeText = (given: string): boolean => /[{}:\n]/.test(given.replace(/^[A-Za-z]:[\\/]/, ""));

/** Reads a text file a user named; what cannot be read is the user's mistake, said plainly. */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw userError(`Cannot read ${what} ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}

/** What the operating system said, without the stack. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** A net by text, path or value, and the folder that its relative paths start from. */
export async function readDefinition(
  net: string | NetDef,
  root: string | undefined,
): Promise<{ readonly definition: NetDef; readonly root: string }> {
  if (typeof net !== "string") return { definition: net, root: root ?? process.cwd() };
  if (looksLikeText(net)) return { definition: parseNet(net), root: root ?? process.cwd() };
  const text = await readTextFile(net, "the net");
  return { definition: parseNet(text, { name: net }), root: root ?? dirname(resolve(net)) };
}

import { readFile } from "node:fs/promises";
import { type Addon, openAddon } from "../../native/addon.js";
import { fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import type { BuiltAddon } from "../../runtime/artefact/built-addon.js";
import type { BuiltFile } from "./folder.js";

/** Cortado's addon, as a build takes it along. */
export interface AddonFile {
  readonly addon: Addon;
  readonly entry: BuiltAddon;
  readonly file: BuiltFile;
}

/** @throws a user error where the addon is not there or cannot be read */
export async function readAddon(target: string): Promise<AddonFile> {
  const opened = openAddon();
  if (!opened.addon) throw userError(`cannot build for ${target}: ${opened.why}`);
  const bytes = await readFile(opened.path).catch((error: unknown) => {
    throw fileError(`cannot read ${quotedPath(opened.path)}`, error);
  });
  const platform = `${process.platform}-${process.arch}`;
  const path = `lib/cortado-${platform}.node`;
  return { addon: opened.addon, entry: { platform, path }, file: { path, bytes } };
}

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Addon } from "../../native/addon.js";
import { messageOf } from "../../proto/words/trouble.js";
import type { ArtefactFiles } from "./artefact-files.js";

/** A copy of Cortado's addon in a build. */
export interface BuiltAddon {
  /** As Node names them: "linux-x64". */
  readonly platform: string;
  /** In the folder. */
  readonly path: string;
}

/**
 * The build's own addon for this machine, checked against the manifest before it is opened.
 *
 * @param folder where the build lies
 * @throws Error where the build has none for this machine, or the file is missing, changed or does not open
 */
export async function openBuiltAddon(
  addons: readonly BuiltAddon[],
  files: ArtefactFiles,
  folder: URL,
): Promise<Addon> {
  const here = `${process.platform}-${process.arch}`;
  const found = addons.find(({ platform }) => platform === here);
  if (!found)
    throw new Error(
      `this net was built for ${addons.map(({ platform }) => platform).join(", ")}, and this machine is ${here}: build it on such a machine`,
    );
  if (folder.protocol !== "file:")
    throw new Error("this net was built for Node, and runs from a folder of files");
  const at = new URL(found.path, folder);
  await files.read(found.path, at);
  try {
    return createRequire(at)(fileURLToPath(at)) as Addon;
  } catch (error) {
    throw new Error(`${found.path} does not load: ${messageOf(error)}`, { cause: error });
  }
}

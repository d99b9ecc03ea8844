import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Addon } from "../../native/addon.js";
import { messageOf } from "../../proto/words/trouble.js";
import type { ArtefactFiles } from "./artefact-files.js";
import type { CudaTables } from "./cuda-tables.js";

/**
 * The build's own addon for this machine, checked against the manifest before it is opened.
 *
 * @param folder where the build lies
 * @throws Error where the build has none for this machine, or the file is missing, changed or does not open
 */
export async function openBuiltAddon(
  { addons }: Pick<CudaTables, "addons">,
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
    throw new Error("a net built for the target cuda runs in Node, from a folder of files");
  const at = new URL(found.path, folder);
  await files.read(found.path, at);
  try {
    return createRequire(at)(fileURLToPath(at)) as Addon;
  } catch (error) {
    throw new Error(`${found.path} does not load: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

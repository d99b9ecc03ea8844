import { type ManifestFile, manifestFiles } from "./manifest.js";
import { type Location, readBytes } from "./read.js";
import { sha256Hex } from "./sha256.js";

/** The files beside net.js, read when asked for and checked against the manifest. */
export interface ArtefactFiles {
  /**
   * @param path as the manifest names it
   * @throws Error where it is missing, cut short or changed
   */
  read(path: string, at: Location): Promise<Uint8Array>;
}

export function openFiles(manifest: Location, build: string): ArtefactFiles {
  let list: Promise<readonly ManifestFile[]> | undefined;
  return {
    async read(path, at) {
      list ??= readBytes(manifest).then((bytes) => manifestFiles(bytes, build));
      const entry = (await list).find((file) => file.path === path);
      if (!entry) throw new Error(`manifest.json does not name ${path}; build again`);
      const bytes = await readBytes(at);
      if (bytes.length !== entry.bytes)
        throw new Error(`${path} has ${bytes.length} bytes, and manifest.json says ${entry.bytes}`);
      if ((await sha256Hex(bytes)) !== entry.sha256)
        throw new Error(`${path} has been changed: its SHA-256 is not the one in manifest.json`);
      return bytes;
    },
  };
}

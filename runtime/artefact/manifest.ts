import type { TargetName } from "../../codegen/targets/index.js";
import { shownValue } from "../../proto/words/shown-value.js";
import type { BatchTable } from "../net/batch-table.js";

/** What a built folder's manifest.json says. Written last, so that a folder without a whole one is half-finished. */
export interface Manifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly version: typeof MANIFEST_VERSION;
  /** The version of Cortado that built it. */
  readonly cortado: string;
  readonly target: TargetName;
  /** Also in net.js: files of two builds do not go together. */
  readonly build: string;
  readonly net: string;
  readonly phase: "TRAIN" | "TEST";
  readonly blobs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly params: readonly {
    readonly layer: string;
    readonly index: number;
    readonly shape: readonly number[];
  }[];
  /** Rows of the inputs, and why forward takes no fewer of them. */
  readonly batch?: BatchTable;
  /** Of all programs together, for the architecture that needs most. */
  readonly arenaBytes: number;
  /** Of parameters and of the update's states. */
  readonly parameterBytes: number;
  /** Where there are kernels for processors of several kinds: what each must have, and which files are for it. */
  readonly processors?: readonly {
    readonly architecture: string;
    readonly features: readonly string[];
    readonly files: readonly string[];
  }[];
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Relative to the manifest, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export const MANIFEST_FORMAT = "cortado-net";
export const MANIFEST_VERSION = 1;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isFile = (value: unknown): value is ManifestFile =>
  isRecord(value) &&
  typeof value["path"] === "string" &&
  typeof value["bytes"] === "number" &&
  typeof value["sha256"] === "string";

/**
 * The list of files of a manifest.
 *
 * @param build what net.js says of itself; undefined to take any
 * @throws Error where the manifest is not whole, of another format, or of another build
 */
export function manifestFiles(bytes: Uint8Array, build: string | undefined): readonly ManifestFile[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Error(
      "manifest.json is not whole: the build was not finished, or the file was cut short; build again",
    );
  }
  if (!isRecord(manifest) || manifest["format"] !== MANIFEST_FORMAT)
    throw new Error("manifest.json is not one that `cortado build` wrote");
  if (manifest["version"] !== MANIFEST_VERSION)
    throw new Error(
      `manifest.json has format version ${shownValue(manifest["version"])}; net.js reads ${MANIFEST_VERSION}`,
    );
  if (build !== undefined && manifest["build"] !== build)
    throw new Error("manifest.json and net.js are of different builds; build again, or copy all files again");
  const files = manifest["files"];
  if (!Array.isArray(files) || !files.every(isFile))
    throw new Error("manifest.json has no sound list of files; build again");
  return files;
}

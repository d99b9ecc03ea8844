import { quoted } from "../../proto/words/names.js";
import type { Tables } from "../net/tables.js";
import { type ArtefactFiles, openFiles } from "./artefact-files.js";
import { type ParameterValues, readParameters } from "./artefact-weights.js";
import type { BuiltDevice } from "./built-device.js";
import { createNet } from "./built-net.js";
import { type Location, readBytes } from "./read.js";

/** The files beside net.js. */
export interface ArtefactPlaces {
  readonly manifest: Location;
  readonly weights: Location;
}

/** What the caller may say; a target may have further options. */
export interface LoadOptions {
  readonly weights?: ArrayBuffer | Uint8Array | Location;
}

/**
 * The `load` of a built module.
 *
 * @param further names of the options that the target has beside `weights`
 */
export function loader(
  tables: Tables,
  places: ArtefactPlaces,
  open: (files: ArtefactFiles, options: LoadOptions) => Promise<BuiltDevice>,
  further: readonly string[] = [],
): (options?: LoadOptions) => Promise<object> {
  const known = ["weights", ...further];
  return async (options = {}) => {
    for (const name of Object.keys(options))
      if (!known.includes(name))
        throw new Error(`load has no option ${quoted(name)}: there is ${known.join(", ")}`);
    const files = openFiles(places.manifest, tables.build);
    const weights = await weightsFrom(options.weights, tables, places, files);
    const device = await open(files, options);
    try {
      return await createNet(tables, device, weights);
    } catch (error) {
      await device.close();
      throw error;
    }
  };
}

/** The weights of the build, checked against its manifest; or the caller's own, which only have to fit. */
async function weightsFrom(
  own: ArrayBuffer | Uint8Array | Location | undefined,
  { layers }: Tables,
  places: ArtefactPlaces,
  files: ArtefactFiles,
): Promise<ParameterValues> {
  if (own === undefined)
    return readParameters(
      await files.read("weights.safetensors", places.weights),
      layers,
      "weights.safetensors",
    );
  if (own instanceof ArrayBuffer) return readParameters(new Uint8Array(own), layers, "option weights");
  if (ArrayBuffer.isView(own)) {
    const bytes = own as Uint8Array;
    return readParameters(
      new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      layers,
      "option weights",
    );
  }
  if (typeof own !== "string" && typeof own?.href !== "string")
    throw new Error("option weights is an ArrayBuffer, a Uint8Array, a URL or a path");
  return readParameters(await readBytes(own), layers, typeof own === "string" ? own : own.href);
}

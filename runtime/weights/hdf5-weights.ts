import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CortadoError, type Diagnostic, fileError, userError } from "../../proto/errors/index.js";
import { distinctNames } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import { DEEPEST_GROUP, openHdf5, writeHdf5 } from "../hdf5-file.js";
import { inTemporaryFolder } from "../leftovers.js";
import { GO_ON, type WeightBlob, type WeightSet } from "./weight-set.js";

/** The library works on files; bytes go through a temporary folder. */
async function inScratch<T>(work: (path: string) => Promise<T>): Promise<T> {
  try {
    return await inTemporaryFolder("h5", (folder) => work(join(folder, "weights.h5")));
  } catch (error) {
    if (error instanceof CortadoError) throw error;
    throw fileError(`HDF5 needs a file in the folder for temporary files`, error);
  }
}

/** Decodes the bytes of a `.caffemodel.h5`. @throws CortadoError as `readHdf5Weights` */
export function decodeHdf5(bytes: Uint8Array, what: string): Promise<WeightSet> {
  return inScratch(async (path) => {
    await writeFile(path, bytes);
    return readHdf5Weights(path, what);
  });
}

/**
 * Reads a `.caffemodel.h5`: datasets `/data/<layer>/<index>`. Layer types are not in it.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when it is damaged or holds no such datasets
 */
export async function readHdf5Weights(path: string, what: string): Promise<WeightSet> {
  const file = await openHdf5(path, what);
  try {
    const layers = new Map<string, (WeightBlob | undefined)[]>();
    for (const dataset of file.datasets) {
      if (!/^data(\/|$)/.test(dataset.path)) continue;
      // Of a link into another file there is no shape: a layer must not be missing for it.
      const { path: at, shape, read } = dataset;
      // A layer's name may have slashes of its own: the index is what follows the last.
      const [, name, index] = /^data\/(.+)\/(0|[1-9]\d{0,3})$/s.exec(at) ?? [];
      if (name === undefined) continue;
      const blobs = layers.get(name) ?? [];
      blobs[Number(index)] = { shape, data: read() };
      layers.set(name, blobs);
    }
    if (layers.size === 0 && file.datasets.some(({ path: at }) => at === "iter"))
      throw userError(`${what} is a solver state, not a weight file`, GO_ON);
    if (layers.size === 0)
      throw userError(`${what} holds no weights`, "a .caffemodel.h5 has datasets /data/<layer>/<index>");
    const whole = [...layers].map(([name, blobs]) => ({
      name,
      type: "",
      blobs: withoutGaps(name, blobs, what),
    }));
    return { layers: whole };
  } finally {
    file.close();
  }
}

function withoutGaps(
  name: string,
  blobs: readonly (WeightBlob | undefined)[],
  what: string,
): readonly WeightBlob[] {
  return Array.from(blobs, (blob, index) => {
    if (blob) return blob;
    throw userError(
      `${what}: layer ${quoted(name)} has no parameter ${index}`,
      "Caffe leaves out of HDF5 what a layer shares with another: convert such weights to .caffemodel",
    );
  });
}

/**
 * Encodes weights as Caffe writes them to HDF5.
 *
 * @throws CortadoError for names of layers that HDF5 cannot hold
 */
export async function encodeHdf5(weights: WeightSet): Promise<Uint8Array> {
  checkHdf5Names(weights.layers);
  return inScratch(async (path) => {
    await writeHdf5(
      path,
      weights.layers.flatMap(({ name, blobs }) =>
        blobs.map(({ shape, data }, index) => ({ path: `data/${name}/${index}`, shape, data })),
      ),
    );
    return readFile(path);
  });
}

/**
 * A name is a path of groups there, so not every name can be one.
 *
 * @param layers those with parameters; of these only the number counts
 * @throws CortadoError that has every name that cannot
 */
export function checkHdf5Names(
  layers: readonly { readonly name: string; readonly blobs: readonly unknown[] }[],
): void {
  const datasets = new Set(layers.flatMap(({ name, blobs }) => blobs.map((_, index) => `${name}/${index}`)));
  const keys = distinctNames(layers.map(({ name }) => name));
  const mistakes = layers.flatMap(({ name }, place): Diagnostic[] => {
    const parts = name.split("/");
    const above = parts.map((_, i) => parts.slice(0, i + 1).join("/"));
    const why = parts.some((part) => part === "" || part === ".")
      ? 'it is a path there, and a part of it is empty or "."'
      : name.includes("\0")
        ? "it has a zero character"
        : parts.length > DEEPEST_GROUP
          ? "it has too many slashes"
          : keys[place] !== name
            ? "another layer has it too"
            : above.some((path) => datasets.has(path))
              ? "another layer has a parameter of that path"
              : undefined;
    if (why === undefined) return [];
    const message = `HDF5 cannot hold a layer of the name ${quoted(name)}: ${why}`;
    return [{ severity: "error", message, hint: "write .caffemodel or .safetensors" }];
  });
  if (mistakes.length > 0) throw new CortadoError(mistakes);
}

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userError } from "../../src/errors/index.js";
import { openHdf5, writeHdf5 } from "../hdf5.js";
import type { WeightBlob, WeightSet } from "./weight-set.js";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

export const looksLikeHdf5 = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

/** The library works on files; bytes go through a scratch folder. */
async function inScratch<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "cortado-h5-"));
  try {
    return await work(join(folder, "weights.h5"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Decodes a `.caffemodel.h5`: datasets `/data/<layer>/<index>`. Layer types are not in it. */
export function decodeHdf5(bytes: Uint8Array, what: string): Promise<WeightSet> {
  return inScratch(async (path) => {
    await writeFile(path, bytes);
    const file = await openHdf5(path, what);
    try {
      const layers = new Map<string, (WeightBlob | undefined)[]>();
      for (const { path: at, shape, read } of file.datasets) {
        // A layer's name may have slashes of its own: the index is what follows the last.
        const [, name, index] = /^data\/(.+)\/(0|[1-9]\d{0,3})$/s.exec(at) ?? [];
        if (name === undefined) continue;
        const blobs = layers.get(name) ?? [];
        blobs[Number(index)] = { shape, data: read() };
        layers.set(name, blobs);
      }
      if (layers.size === 0)
        throw userError(`${what} holds no weights`, "a .caffemodel.h5 has datasets /data/<layer>/<index>");
      return {
        layers: [...layers].map(([name, blobs]) => {
          const missing = Array.from(blobs).indexOf(undefined);
          if (missing !== -1)
            throw userError(`${what}: layer ${JSON.stringify(name)} has no blob ${missing}`);
          return { name, type: "", blobs: blobs as WeightBlob[] };
        }),
      };
    } finally {
      file.close();
    }
  });
}

/** Encodes weights as Caffe writes them to HDF5. */
export function encodeHdf5(weights: WeightSet): Promise<Uint8Array> {
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

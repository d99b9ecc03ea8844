import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { CortadoError, fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { writeFileAtomically } from "../atomic-file.js";
import { joinValues } from "../copy-values.js";
import { writeHdf5 } from "../hdf5-file.js";
import { inTemporaryFolder, removeUnfinished } from "../leftovers.js";
import type { SinkSpec } from "./feed-spec.js";
import { located } from "./located.js";

/** Rows are kept until the file is written, as one array for the HDF5 library. */
const MOST_VALUES = 2 ** 28;

/** Takes the values of each forward, and leaves them behind when it is closed. */
export interface Sink {
  /** Of the file, absolute. */
  readonly path: string;
  /** One array for each dataset, which must not change afterwards. */
  write(values: readonly Float32Array[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Caffe's HDF5Output layer: the rows of each forward, one after the other, in one dataset for each value. Nothing is
 * written before `close`; then the file is there whole, or as it was. Without a forward there is no file.
 *
 * @param shapes of the values of one forward; the first extent counts rows, and may change from one to the next
 * @throws CortadoError, at the layer's place, when the file cannot be written
 */
export async function openSink(spec: SinkSpec, shapes: readonly Shape[], root: string): Promise<Sink> {
  const path = await located(spec.span, () => placeFor(spec.path, root));
  await removeUnfinished(dirname(path), basename(path));
  const what = `the file ${quotedPath(path)}`;
  const batches: (readonly Float32Array[])[] = [];
  let values = 0;
  return {
    path,
    write: (batch) =>
      located(spec.span, () => {
        values += batch.reduce((sum, { length }) => sum + length, 0);
        if (values > MOST_VALUES)
          throw userError(
            `${what} would hold more than ${MOST_VALUES} values (1 GiB) after ${batches.length} forwards`,
            "close the net now and then, and write to another file",
          );
        batches.push(batch);
      }),
    close: () =>
      located(spec.span, async () => {
        if (batches.length === 0) return;
        const entries = spec.datasets.map((name, i) => {
          const data = joinValues(batches.map((batch) => batch[i]));
          const row = shapes[i].slice(1);
          return { path: name, shape: [data.length / sizeOf(row), ...row], data };
        });
        batches.length = 0;
        await writeWhole(path, what, entries);
      }),
  };
}

/** Where a relative path leads: below the net's root, or below the working directory where only that has its folder. */
async function placeFor(name: string, root: string): Promise<string> {
  const isFolder = async (place: string): Promise<boolean> => {
    try {
      return (await stat(place)).isDirectory();
    } catch {
      return false;
    }
  };
  const places = [...new Set([resolve(root, name), resolve(name)])];
  for (const path of places) {
    if (await isFolder(path)) throw userError(`cannot write the file ${quotedPath(path)}: it is a folder`);
    if (await isFolder(dirname(path))) return path;
  }
  const folders = places.map((path) => quotedPath(dirname(path))).join(" nor ");
  throw userError(
    `cannot write the file ${quotedPath(name)}: there is ${places.length > 1 ? "neither" : "not"} a folder ${folders}`,
  );
}

/** The library works on files: what it writes goes through a temporary folder. */
async function writeWhole(
  path: string,
  what: string,
  entries: Parameters<typeof writeHdf5>[1],
): Promise<void> {
  try {
    await inTemporaryFolder("output", async (folder) => {
      const file = join(folder, "output.h5");
      await writeHdf5(file, entries);
      await writeFileAtomically(path, await readFile(file));
    });
  } catch (error) {
    if (error instanceof CortadoError) throw error;
    throw fileError(`cannot write ${what}`, error);
  }
}

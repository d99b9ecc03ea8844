import { sizeOf } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import { openHdf5 } from "../hdf5-file.js";
import { permutation, randomStream, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";
import { filledLines, readTextList } from "./text-list.js";

/** What the HDF5 library can hold of one data set. */
const LARGEST_DATASET = 2 ** 31;

/** The rows of one file, whole in memory: one table for each top. */
interface Rows {
  readonly path: string;
  readonly count: number;
  readonly tables: readonly { readonly row: readonly number[]; readonly data: Float32Array }[];
}

/** Caffe's HDF5Data layer: the rows of the listed files, file after file, from the first again after the last. */
export async function hdf5Feed(spec: FeedOf<"hdf5">, { root, seed, index = 0 }: FeedOptions): Promise<Feed> {
  const files = await listedFiles(spec, root);
  const random = randomStream(seed, streamOf("shuffle", index));
  const order = (count: number): Uint32Array => (spec.shuffle ? permutation(random, count) : inOrder(count));
  let fileOrder = order(files.length);
  let file = 0;
  let rows = await readRows(files[fileOrder[0]], spec.tops);
  let rowOrder = order(rows.count);
  let row = 0;
  const shapes = rows.tables.map(({ row: extents }) => [spec.batchSize, ...extents]);

  const advance = async (): Promise<void> => {
    if (++row < rows.count) return;
    row = 0;
    if (files.length > 1) {
      if (++file === files.length) {
        file = 0;
        fileOrder = order(files.length);
      }
      rows = await readRows(files[fileOrder[file]], spec.tops);
      rows.tables.forEach(({ row: extents }, top) => {
        if (sizeOf(extents) !== sizeOf(shapes[top].slice(1)))
          throw userError(
            `${quotedPath(rows.path)}: rows of ${quoted(spec.tops[top])} have the shape ${showShape(extents)}, and those of the first file ${showShape(shapes[top].slice(1))}`,
          );
      });
    }
    rowOrder = order(rows.count);
  };

  return {
    shapes,
    async next(into) {
      for (let item = 0; item < spec.batchSize; item++) {
        const at = rowOrder[row];
        rows.tables.forEach(({ row: extents, data }, top) => {
          const size = sizeOf(extents);
          into[top].set(data.subarray(at * size, (at + 1) * size), item * size);
        });
        await advance();
      }
    },
    async close() {},
  };
}

const inOrder = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/** The files that the layer's list names: relative to `root`, or to the list itself. */
async function listedFiles({ source, span }: FeedOf<"hdf5">, root: string): Promise<readonly string[]> {
  const list = await readTextList(source, {
    root,
    what: "the list of HDF5 files",
    names: "the HDF5 file",
    span,
    form: "source names a text file with the path of an HDF5 file on each line",
  });
  const files: string[] = [];
  for (const { number, start, end } of filledLines(list.bytes))
    for (const name of list.bytes.toString("utf8", start, end).split(/\s+/))
      files.push(await list.locate(name, number));
  return files;
}

async function readRows(path: string, tops: readonly string[]): Promise<Rows> {
  const file = await openHdf5(path, quotedPath(path));
  try {
    const tables = tops.map((top) => {
      const dataset = file.datasets.find((candidate) => candidate.path === top);
      if (!dataset)
        throw userError(
          `${quotedPath(path)} has no dataset ${quoted(top)}, which a top of the layer asks for`,
          `it has ${file.datasets.map((candidate) => quoted(candidate.path)).join(", ") || "none"}`,
        );
      if (dataset.shape.length === 0)
        throw userError(`${quotedPath(path)}: dataset ${quoted(top)} has no rows`);
      if (sizeOf(dataset.shape) * Float32Array.BYTES_PER_ELEMENT > LARGEST_DATASET)
        throw userError(
          `${quotedPath(path)}: dataset ${quoted(top)} of shape ${showShape(dataset.shape)} is too large: files are read whole`,
          "spread the rows over several files and list them all",
        );
      return { count: dataset.shape[0], row: dataset.shape.slice(1), data: dataset.read() };
    });
    const [count] = tables.map((table) => table.count);
    const other = tables.findIndex((table) => table.count !== count);
    if (other !== -1)
      throw userError(
        `${quotedPath(path)}: dataset ${quoted(tops[other])} has ${tables[other].count} rows, and ${quoted(tops[0])} has ${count}`,
      );
    if (count === 0) throw userError(`${quotedPath(path)} has no rows`);
    return { path, count, tables };
  } finally {
    file.close();
  }
}

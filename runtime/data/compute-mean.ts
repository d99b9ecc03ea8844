import { argumentsOf, callback, optional, optionsOf } from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { fileError, userError } from "../../proto/errors/index.js";
import { encodeMessage } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { writeFileAtomically } from "../atomic-file.js";
import { workingFolder } from "../host-process.js";
import { type ConvertProgress, TOLD_AFTER } from "./convert-records.js";
import { channelMeans, type Mean } from "./mean-image.js";
import { openRecords } from "./record-sources.js";
import { decodeRecord } from "./record-walk.js";

/** Options of `computeMean`. */
export interface MeanOptions {
  /** Where a relative path of the source starts. Default: the working directory. */
  readonly root?: string | URL;
  /** A file to write the mean image to, as Caffe's binaryproto: what `mean_file` of a data layer names. */
  readonly out?: string | URL;
  /** Is told after each thousand records. */
  readonly progress?: (state: ConvertProgress) => void;
}

/** The mean of the images of a source. */
export interface MeanImage extends Mean {
  /** How many there were. */
  readonly records: number;
}

const COMPUTE_MEAN = argumentsOf("computeMean", {
  source: path,
  options: optional(
    optionsOf<Omit<MeanOptions, "root" | "out"> & { readonly root?: string; readonly out?: string }>(
      "computeMean",
      { root: path, out: path, progress: callback<(state: ConvertProgress) => void>() },
    ),
  ),
});

/**
 * The mean image of a source of records, as Caffe's `compute_image_mean` has it: sums in float32, in the order of the records.
 *
 * @param source as for `openDataset`
 * @throws CortadoError for a wrong argument, when it cannot be read or is empty, when an image has another size than the first, and
 * when the file cannot be written
 */
export async function computeMean(source: string | URL, options?: MeanOptions): Promise<MeanImage> {
  const given = COMPUTE_MEAN(source, options);
  const { root = workingFolder(), out, progress } = given.options ?? {};
  const mean = await meanOf(given.source, root, progress);
  if (out !== undefined) await writeMean(out, mean);
  return mean;
}

async function meanOf(source: string, root: string, progress: MeanOptions["progress"]): Promise<MeanImage> {
  const cursor = await openRecords(source, root);
  const name = quotedPath(cursor.name);
  try {
    let shape: MeanImage["shape"] | undefined;
    let sums = new Float32Array();
    let records = 0;
    for (let stored = await cursor.next(); stored; stored = await cursor.next()) {
      const what = `record ${records} of ${name}`;
      const { channels, height, width, data } = await decodeRecord(stored, "native", what);
      if (!shape) {
        shape = [channels, height, width];
        sums = new Float32Array(data.length);
      }
      const own = [channels, height, width];
      if (own.join() !== shape.join())
        throw userError(
          `${what} is ${showShape(own)}, and those before it are ${showShape(shape)}`,
          "a mean image is of images of one size: make the database with images that are resized",
        );
      for (let i = 0; i < data.length; i++) sums[i] += data[i];
      records++;
      if (records % TOLD_AFTER === 0) progress?.({ done: records, total: cursor.count });
    }
    if (!shape) throw userError(`${name} has no records`);
    const data = sums.map((sum) => sum / records);
    return { shape, data, channels: channelMeans(data, shape[0]), records };
  } finally {
    await cursor.close();
  }
}

async function writeMean(out: string, { shape: [channels, height, width], data }: MeanImage): Promise<void> {
  try {
    await writeFileAtomically(out, encodeMessage("BlobProto", { num: 1, channels, height, width, data }));
  } catch (error) {
    throw fileError(`cannot write ${quotedPath(out)}`, error);
  }
}

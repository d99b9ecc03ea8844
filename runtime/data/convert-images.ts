import {
  argumentsOf,
  flag,
  integer,
  optional,
  optionsOf,
  text,
} from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { workingFolder } from "../host-process.js";
import { permutation, randomStream, streamOf } from "../random/index.js";
import {
  CONVERT_RULES,
  type ConvertedDatabase,
  type ConvertOptions,
  TOLD_AFTER,
  type WithRoot,
} from "./convert-records.js";
import { encodeDatum } from "./datum.js";
import { decodeImage } from "./image.js";
import { readImageFile } from "./image-file.js";
import { type ImageList, type ListedImage, readImageList } from "./image-list.js";
import { type ImageSize, imageSizeRule } from "./image-size.js";
import { LONGEST_KEY, writeLmdb } from "./lmdb-writer.js";
import type { KeyValue } from "./records.js";
import { resizeBilinear } from "./resize.js";

/** Options of `convertImages`: those of Caffe's `convert_imageset`. */
export interface ConvertImagesOptions extends ConvertOptions {
  /** Stands before every path of the list, as it is: `images/`. Default: paths start at `root`, or beside the list. */
  readonly prefix?: string;
  /** The size that images are brought to, as OpenCV does. Default: as they are. */
  readonly size?: ImageSize;
  /** One channel in place of blue, green and red. */
  readonly gray?: boolean;
  /** In an order that is drawn, by `seed`. */
  readonly shuffle?: boolean;
  readonly seed?: number;
  /** The files themselves, which a data layer decodes each time: smaller, and slower to read. */
  readonly encoded?: boolean;
  /** Whether all must be of one size. */
  readonly checkSize?: boolean;
}

type TakenOptions = WithRoot<ConvertImagesOptions>;

const CONVERT_IMAGES = argumentsOf("convertImages", {
  list: path,
  out: path,
  options: optional(
    optionsOf<TakenOptions>("convertImages", {
      ...CONVERT_RULES,
      prefix: text(),
      size: imageSizeRule,
      gray: flag,
      shuffle: flag,
      seed: integer(0),
      encoded: flag,
      checkSize: flag,
    }),
  ),
});

/** Of the order, where nobody gives one. */
const DEFAULT_SEED = 1701;
/** Images that are decoded at once: as many as there are threads for it. */
const AT_ONCE = 4;
const DIGITS = 8;

/**
 * Writes the images of a list as an LMDB that Caffe and Python read, as Caffe's `convert_imageset` does: a folder with `data.mdb`,
 * whole or not at all. A line of the list is the path of an image, a space, and its label; keys are eight digits and the path.
 *
 * @param out a folder that is not there yet, or empty
 * @throws CortadoError for a wrong argument, when the list or an image cannot be read, which names its line, and when the database
 * cannot be written
 */
export async function convertImages(
  list: string | URL,
  out: string | URL,
  options?: ConvertImagesOptions,
): Promise<ConvertedDatabase> {
  const given = CONVERT_IMAGES(list, out, options);
  const taken = given.options ?? {};
  const { root = workingFolder(), prefix, encoded, gray, size } = taken;
  if (encoded && (gray || size))
    throw userError(
      `encoded images are the files as they are, and ${gray ? "gray" : "size"} would make others of them`,
      "a data layer makes images gray and crops them; without encoded they are stored as pixels",
    );
  const read = await readImageList(given.list, { root, prefix });
  const records = await writeLmdb(given.out, imageRecords(read, taken));
  return { out: given.out, records };
}

async function* imageRecords(list: ImageList, options: TakenOptions): AsyncGenerator<KeyValue> {
  const { shuffle, seed = DEFAULT_SEED, progress, checkSize } = options;
  const total = list.entries.length;
  const places = shuffle ? permutation(randomStream(seed, streamOf("shuffle", 0)), total) : undefined;
  let first: string | undefined;
  for (let at = 0; at < total; at += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, total - at) }, (_, i) => {
      return list.entries[places ? places[at + i] : at + i];
    });
    // All of them end before one of them may be the mistake: no file stays open behind it.
    const loaded = await Promise.allSettled(group.map((entry) => load(list, entry, options)));
    for (const [i, result] of loaded.entries()) {
      if (result.status === "rejected") throw result.reason;
      const { shape, value } = result.value;
      first ??= showShape(shape);
      if (checkSize && showShape(shape) !== first)
        throw userError(
          `the image on ${list.at(group[i].line)} is ${showShape(shape)} (channels×height×width), and the first is ${first}`,
          "size brings all to one",
        );
      yield { key: keyOf(at + i, list.nameOf(group[i])), value };
      if ((at + i + 1) % TOLD_AFTER === 0) progress?.({ done: at + i + 1, total });
    }
  }
}

/** The number comes first, so that keys rise; of a long path the beginning stays. */
const keyOf = (number: number, name: string): Uint8Array =>
  Buffer.from(`${String(number).padStart(DIGITS, "0")}_${name}`).subarray(0, LONGEST_KEY);

async function load(
  list: ImageList,
  entry: ListedImage,
  { gray, encoded, size }: TakenOptions,
): Promise<{ readonly shape: readonly number[]; readonly value: Uint8Array }> {
  const name = list.nameOf(entry);
  const { line, label } = entry;
  const bytes = await readImageFile(list, name, line);
  const mode = encoded ? "native" : gray ? "gray" : "color";
  const decoded = await decodeImage(bytes, mode, `the image on ${list.at(line)}`);
  const image = size ? resizeBilinear(decoded, size.height, size.width) : decoded;
  const shape = [image.channels, image.height, image.width];
  return { shape, value: encodeDatum(encoded ? { encoded: bytes, label } : { ...image, label }) };
}

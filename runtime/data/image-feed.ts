import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { permutation, randomStream, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";
import { openImageFile } from "./image-file.js";
import { type ListedImage, readImageList } from "./image-list.js";
import { located } from "./located.js";
import type { PlainRecord } from "./records.js";
import { resizeBilinear } from "./resize.js";
import { createTransformer } from "./transform.js";

/** Images that are decoded at once: as many as there are threads for it. */
const AT_ONCE = 4;

/** Caffe's ImageData layer: the images of a list in order or shuffled, from the first again after the last. */
export async function imageFeed(spec: FeedOf<"images">, options: FeedOptions): Promise<Feed> {
  const { root, phase, seed, index = 0 } = options;
  const { batchSize, transform, size: target } = spec;
  const list = await readImageList(spec.source, { root, prefix: spec.rootFolder, span: spec.span });
  const { entries, nameOf } = list;
  const transformer = await located(transform.span, () =>
    createTransformer(transform, {
      root,
      phase,
      random: randomStream(seed, streamOf("transform", index)),
    }),
  );
  const shuffle = randomStream(seed, streamOf("shuffle", index));
  const order = (): Uint32Array | undefined =>
    spec.shuffle ? permutation(shuffle, entries.length) : undefined;
  let places = order();
  let at =
    spec.randSkip > 0
      ? randomStream(seed, streamOf("skip", index)).integer(spec.randSkip) % entries.length
      : 0;
  const current = (): ListedImage => entries[places ? places[at] : at];
  const advance = (): void => {
    if (++at < entries.length) return;
    at = 0;
    places = order();
  };

  const what = ({ line }: ListedImage): string => `the image on ${list.at(line)}`;
  const load = async (entry: ListedImage): Promise<PlainRecord> => {
    const image = await openImageFile(list, nameOf(entry), entry.line, spec.color ? "color" : "gray");
    return { ...(target ? resizeBilinear(image, target.height, target.width) : image), label: entry.label };
  };
  const first = current();
  const { channels, height, width } = await load(first);
  const image = await located(transform.span, () =>
    transformer.shapeOf([channels, height, width], what(first)),
  );
  const size = image[0] * image[1] * image[2];

  const write = (
    record: PlainRecord,
    entry: ListedImage,
    item: number,
    into: readonly Float32Array[],
  ): void => {
    const shape = transformer.shapeOf([record.channels, record.height, record.width], what(entry));
    if (shape.some((extent, i) => extent !== image[i]))
      throw userError(
        `${what(entry)} is ${showShape(shape)} (channels×height×width), and the first is ${showShape(image)}: a batch needs one size`,
        "new_height and new_width, or crop_size, make images of one size",
      );
    transformer.apply(record, into[0], item * size, what(entry));
    into[1][item] = record.label;
  };

  return {
    shapes: [[batchSize, ...image], [batchSize]],
    async next(into) {
      for (let item = 0; item < batchSize; item += AT_ONCE) {
        const group = Array.from({ length: Math.min(AT_ONCE, batchSize - item) }, () => {
          const entry = current();
          advance();
          return entry;
        });
        // All of them end before one of them may be the mistake: no file stays open behind it.
        const loaded = await Promise.allSettled(group.map(load));
        for (const [i, result] of loaded.entries()) {
          if (result.status === "rejected") throw result.reason;
          write(result.value, group[i], item + i, into);
        }
      }
    },
    async close() {},
  };
}

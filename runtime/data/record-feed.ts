import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { type RandomStream, randomStream, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";
import { endless, firstRecord, openRecords } from "./dataset.js";
import type { ColorMode } from "./image.js";
import { located } from "./located.js";
import type { PlainRecord, RecordCursor } from "./records.js";
import { createTransformer } from "./transform.js";

/** Caffe's Data layer: records in order, transformed, from the first again after the last. */
export async function recordFeed(spec: FeedOf<"records">, options: FeedOptions): Promise<Feed> {
  const { root, phase, seed, index = 0 } = options;
  const { batchSize, transform, tops } = spec;
  const random = randomStream(seed, streamOf("transform", index));
  const transformer = await located(transform.span, () =>
    createTransformer(transform, { root, phase, random }),
  );
  const cursor = await openRecords(spec.source, root, spec.span);
  try {
    const mode: ColorMode = transform.forceGray ? "gray" : transform.forceColor ? "color" : "native";
    const first = await firstRecord(cursor, mode);
    const image = await located(transform.span, () =>
      transformer.shapeOf(
        [first.channels, first.height, first.width],
        `the first record of ${quotedPath(cursor.name)}`,
      ),
    );
    const size = image[0] * image[1] * image[2];
    const skipped = await skip(cursor, spec.randSkip, randomStream(seed, streamOf("skip", index)));
    const next = endless(cursor, mode, skipped);
    const shapes = [[batchSize, ...image], [batchSize]].slice(0, tops);

    const what = `a record of ${quotedPath(cursor.name)}`;
    const write = (record: PlainRecord, item: number, [data, labels]: readonly Float32Array[]): void => {
      const shape = transformer.shapeOf([record.channels, record.height, record.width], what);
      if (shape.some((extent, i) => extent !== image[i]))
        throw userError(
          `${what} is ${showShape(shape)} (channels×height×width), and the first is ${showShape(image)}: a batch needs one size`,
          "crop_size makes images of one size",
        );
      transformer.apply(record, data, item * size, what);
      if (labels) labels[item] = record.label;
    };

    return {
      shapes,
      async next(into) {
        for (let item = 0; item < batchSize; item++) write(await next(), item, into);
      },
      close: () => cursor.close(),
    };
  } catch (error) {
    await cursor.close();
    throw error;
  }
}

/**
 * rand_skip: steps over fewer than that many records, so that several runs do not see the same ones together.
 *
 * @returns how many records past the first the cursor stands
 */
async function skip(cursor: RecordCursor, randSkip: number, random: RandomStream): Promise<number> {
  let left = randSkip > 0 ? random.integer(randSkip) : 0;
  for (let passed = 0; passed < left; passed++) {
    if (await cursor.skip()) continue;
    if (passed === 0) return 0;
    // The end, after `passed` records in all: whole rounds lead nowhere.
    await cursor.rewind();
    left %= passed;
    passed = -1;
  }
  return left;
}

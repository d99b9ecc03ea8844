import { type CortadoError, userError } from "../../proto/errors/index.js";
import { showCount, showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { type RandomStream, randomStream, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";
import type { ColorMode } from "./image.js";
import { located } from "./located.js";
import { openRecords } from "./record-sources.js";
import { endless, firstRecord } from "./record-walk.js";
import type { PlainRecord, RecordCursor } from "./records.js";
import { shuffledRecords } from "./shuffled-records.js";
import { createTransformer } from "./transform.js";

/** Caffe's Data layer: records in order, transformed, from the first again after the last. */
export async function recordFeed(spec: FeedOf<"records">, options: FeedOptions): Promise<Feed> {
  const { root, phase, seed, index = 0 } = options;
  const { batchSize, transform, tops } = spec;
  const random = randomStream(seed, streamOf("transform", index));
  const transformer = await located(transform.span, () =>
    createTransformer(transform, { root, phase, random }),
  );
  const source = await openRecords(spec.source, root, spec.span);
  const cursor = spec.shuffle
    ? shuffledRecords(source, randomStream(seed, streamOf("shuffle", index)))
    : source;
  try {
    const mode: ColorMode = transform.forceGray ? "gray" : transform.forceColor ? "color" : "native";
    const first = await firstRecord(source, mode);
    const image = await located(transform.span, () =>
      transformer.shapeOf(
        [first.channels, first.height, first.width],
        `the first record of ${quotedPath(cursor.name)}`,
      ),
    );
    const size = image[0] * image[1] * image[2];
    const skipped = await skip(cursor, spec.randSkip, randomStream(seed, streamOf("skip", index)));
    const walk = endless(cursor, mode, skipped);
    const shapes = [[batchSize, ...image], [batchSize]].slice(0, tops);

    const write = (record: PlainRecord, item: number, [data, labels]: readonly Float32Array[]): void => {
      const what = walk.last();
      if (record.channels !== first.channels) throw otherChannels(what, record, first.channels);
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
        for (let item = 0; item < batchSize; item++) {
          const record = await walk.next();
          await located(transform.span, () => write(record, item, into));
        }
      },
      close: () => cursor.close(),
    };
  } catch (error) {
    await cursor.close();
    throw error;
  }
}

/** Grey and colour in one source. */
function otherChannels(what: string, { channels, wasEncoded }: PlainRecord, first: number): CortadoError {
  return userError(
    `${what} has ${showCount(channels, "channel")}, and the first has ${first}: a batch needs as many for all`,
    wasEncoded
      ? "force_color: true in transform_param makes three channels of each image, force_gray: true one"
      : "force_color and force_gray are for encoded images: make the database anew, of images of one kind",
  );
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

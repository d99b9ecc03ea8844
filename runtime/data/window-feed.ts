import type { Shape } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { randomStream, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";
import { type DecodedImage, decodeImage } from "./image.js";
import { readImageFile } from "./image-file.js";
import { located } from "./located.js";
import { cutOut, resizeBilinear } from "./resize.js";
import { readTextList } from "./text-list.js";
import { meanLookup, readMeans, type Subtracted } from "./transform.js";
import { placeWindow } from "./window-crop.js";
import { parseWindows, type Window, windowAt } from "./window-list.js";

const CHANNELS = 3;

/** Caffe's WindowData layer: background and foreground windows of images, drawn with replacement, warped and mirrored. */
export async function windowFeed(spec: FeedOf<"windows">, options: FeedOptions): Promise<Feed> {
  const { root, seed, index = 0 } = options;
  const { batchSize, transform, cacheImages } = spec;
  const { cropSize: crop, mirror, scale } = transform;
  const list = await readTextList(spec.source, {
    root,
    what: "the window file",
    names: "the image",
    prefix: spec.rootFolder,
    span: spec.span,
    form: "source names a window file, as R-CNN writes them",
  });
  const { images, foreground, background } = parseWindows(list, spec);
  // float32, as Caffe's product.
  const foregrounds = Math.trunc(Math.fround(batchSize * Math.fround(spec.fgFraction)));
  const needed = [
    [foregrounds, foreground, "foreground", `overlap of fg_threshold ${spec.fgThreshold} or more`],
    [batchSize - foregrounds, background, "background", `overlap below bg_threshold ${spec.bgThreshold}`],
  ] as const;
  for (const [wanted, { count }, name, meaning] of needed)
    if (wanted > 0 && count === 0)
      throw userError(
        `${quotedPath(list.path)} has no ${name} window, and a batch takes ${wanted}`,
        `that is a window with an ${meaning}`,
      );
  const mean = await located(transform.span, () => readMeans(transform, root));
  await located(transform.span, () => checkMean(mean, crop));
  const meanOf = meanLookup(mean);
  const [, meanHeight, meanWidth] = mean.image?.shape ?? [CHANNELS, crop, crop];
  const offset = (meanWidth - crop) >> 1;

  const files = new Map<number, Buffer>();
  const open = async (number: number): Promise<DecodedImage> => {
    const { name, line } = images[number];
    const file = files.get(number) ?? (await readImageFile(list, name, line));
    if (cacheImages) files.set(number, file);
    return decodeImage(file, "color", `${list.at(line)}: the image ${quotedPath(name)}`);
  };

  const write = async (
    window: Window,
    mirrored: boolean,
    item: number,
    data: Float32Array,
  ): Promise<void> => {
    const image = await open(window.image);
    const place = placeWindow(window, image, spec);
    if (typeof place === "string") throw userError(`${list.at(window.line)}: ${place}`);
    const { left, top, columns, rows, width, height, padTop } = place;
    const padLeft = mirrored ? place.padRight : place.padLeft;
    // Rounding may leave the window and its padding a pixel wider than the crop.
    const warped = resizeBilinear(
      cutOut(image, top, left, rows, columns),
      Math.min(height, crop - padTop),
      Math.min(width, crop - padLeft),
    );
    let from = 0;
    for (let c = 0; c < CHANNELS; c++)
      for (let y = 0; y < warped.height; y++)
        for (let x = 0; x < warped.width; x++) {
          const h = y + padTop;
          const w = padLeft + (mirrored ? warped.width - 1 - x : x);
          const position = (c * meanHeight + h + offset) * meanWidth + w + offset;
          const value = Math.fround(warped.data[from++] - meanOf(c, position)) * scale;
          data[((item * CHANNELS + c) * crop + h) * crop + w] = value;
        }
  };

  const shapes: readonly Shape[] = [[batchSize, CHANNELS, crop, crop], [batchSize]];
  const random = randomStream(seed, streamOf("window", index));
  return {
    shapes,
    async next([data, labels]) {
      data.fill(0);
      for (let item = 0; item < batchSize; item++) {
        const from = item < batchSize - foregrounds ? background : foreground;
        const window = windowAt(from, random.integer(from.count));
        const mirrored = mirror && random.integer(2) === 1;
        await write(window, mirrored, item, data);
        labels[item] = window.label;
      }
    },
    async close() {
      files.clear();
    },
  };
}

/** The crop lies in the middle of a mean image, as Caffe has it: by the image's width, along both axes. */
function checkMean({ image, values }: Subtracted, crop: number): void {
  if (values.length > 1 && values.length !== CHANNELS)
    throw userError(`mean_value is given ${values.length} times for ${CHANNELS} channels`);
  if (!image) return;
  const [channels, height, width] = image.shape;
  if (channels !== CHANNELS || width < crop || height < ((width - crop) >> 1) + crop)
    throw userError(
      `the mean image has the shape ${showShape(image.shape)}, and must cover a crop of ${CHANNELS}×${crop}×${crop} in its middle`,
    );
}

import {
  argumentsOf,
  either,
  flag,
  kind,
  listOf,
  optionsOf,
  type Rule,
  real,
  word,
} from "../../proto/arguments/argument-rules.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import type { DecodedImage } from "./image.js";
import { type ImageSize, imageSizeRule } from "./image-size.js";
import type { Mean } from "./mean-image.js";
import { resizeBilinear } from "./resize.js";
import { meanLookup, type RecordPart, type Subtracted, writePart } from "./transform.js";

/** How images become a net's input. */
export interface ImageTransformOptions {
  /** Height and width of the net's input. */
  readonly size: ImageSize;
  /** What images are brought to first; the middle of that, in `size`, is taken. Default: `size` itself. */
  readonly resize?: ImageSize;
  /** Subtracted from each pixel: one number, one for each channel of the image, or a mean image as large as `resize`. */
  readonly mean?: number | readonly number[] | Mean;
  /** What differences are multiplied by: 1/256, or 0.017. Default 1. */
  readonly scale?: number;
  /** The order of colours. Default "BGR", in which images are read and Caffe's nets are trained. */
  readonly order?: "BGR" | "RGB";
  /** Ten inputs of each image: the four corners and the middle of `resize`, then the same mirrored, as pycaffe's `oversample`. */
  readonly oversample?: boolean;
}

/** A net's input: values and their shape, images first. */
export interface ImageBatch {
  readonly shape: readonly [images: number, channels: number, height: number, width: number];
  readonly data: Float32Array;
}

const isMean = (value: unknown): value is Mean =>
  typeof value === "object" && value !== null && "shape" in value && "data" in value && "channels" in value;

const mean = either<number | readonly number[] | Mean>(
  real(),
  listOf("an array of numbers", real()),
  kind<Mean>("what readMean gives", isMean),
);
const CREATE = argumentsOf("createImageTransform", {
  options: optionsOf<ImageTransformOptions>(
    "createImageTransform",
    {
      size: imageSizeRule,
      resize: imageSizeRule,
      mean,
      scale: real(),
      order: word(["BGR", "RGB"]),
      oversample: flag,
    },
    ["size"],
  ),
});

const isImage = (value: unknown): value is DecodedImage => {
  const { channels, height, width, data } = (value ?? {}) as Partial<DecodedImage>;
  return (
    [channels, height, width].every(Number.isInteger) &&
    data instanceof Uint8Array &&
    data.length === Number(channels) * Number(height) * Number(width)
  );
};
const images: Rule<readonly DecodedImage[]> = listOf(
  "an array of images, as readImage gives them",
  kind<DecodedImage>("an image, as readImage gives it", isImage),
  1,
);
const TRANSFORM = argumentsOf("transform", { images });

/**
 * Makes a function from images to a net's input, as Caffe's examples prepare them: to a size as OpenCV does, the middle of it,
 * minus a mean, times a scale.
 *
 * @throws CortadoError for a wrong argument, and where `resize` is smaller than `size`; the function: where a mean does not fit an
 * image, or images have several numbers of channels
 */
export function createImageTransform(
  options: ImageTransformOptions,
): (images: readonly DecodedImage[]) => ImageBatch {
  const given = CREATE(options).options;
  const whole = given.resize ?? given.size;
  if (whole.height < given.size.height || whole.width < given.size.width)
    throw userError(
      `images of ${whole.height}×${whole.width} have no part of ${given.size.height}×${given.size.width}`,
      "resize is no smaller than size",
    );
  const places = placesIn(whole, given.size, given.oversample ?? false);
  return (all) => {
    const { images: taken } = TRANSFORM(all);
    const [{ channels }] = taken;
    const other = taken.find((image) => image.channels !== channels);
    if (other)
      throw userError(
        `images of ${channels} and of ${other.channels} channels make no batch`,
        "readImage's color makes them alike",
      );
    const { size: part, scale = 1, order } = given;
    const { height: rows, width: columns } = part;
    const meanOf = meanLookup(subtractedFrom(given.mean, [channels, whole.height, whole.width]));
    // The first three channels are colours.
    const channelAt = (place: number): number =>
      order === "RGB" && channels >= 3 && place < 3 ? 2 - place : place;
    const each = channels * rows * columns;
    const data = new Float32Array(taken.length * places.length * each);
    for (const [i, image] of taken.entries()) {
      const large = resizeBilinear(image, whole.height, whole.width);
      for (const [j, place] of places.entries())
        writePart(
          large,
          { ...place, rows, columns },
          { meanOf, scale, channelAt },
          data.subarray((i * places.length + j) * each),
        );
    }
    return { shape: [taken.length * places.length, channels, rows, columns], data };
  };
}

type Place = Pick<RecordPart, "top" | "left" | "mirrored">;

function placesIn(whole: ImageSize, part: ImageSize, oversample: boolean): readonly Place[] {
  const [down, right] = [whole.height - part.height, whole.width - part.width];
  const middle = { top: Math.floor(down / 2), left: Math.floor(right / 2) };
  if (!oversample) return [{ ...middle, mirrored: false }];
  const corners = [0, down].flatMap((top) => [0, right].map((left) => ({ top, left })));
  const five = [...corners, middle];
  return [false, true].flatMap((mirrored) => five.map((place) => ({ ...place, mirrored })));
}

/** What is subtracted from images of a shape. @throws CortadoError where it does not fit them */
function subtractedFrom(mean: ImageTransformOptions["mean"], image: readonly number[]): Subtracted {
  if (mean === undefined || typeof mean === "number") return { values: mean === undefined ? [] : [mean] };
  if (!isMean(mean)) {
    if (mean.length !== image[0])
      throw userError(`there are ${mean.length} means, and images have ${image[0]} channels`);
    return { values: mean };
  }
  if (mean.shape.join() !== image.join())
    throw userError(
      `the mean image is ${showShape(mean.shape)}, and images are ${showShape(image)}`,
      "resize as large as the mean image; or its field channels, one number for each",
    );
  return { values: [], image: mean };
}

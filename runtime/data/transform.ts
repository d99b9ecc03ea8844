import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import type { RandomStream } from "../random/index.js";
import type { TransformSpec } from "./feed-spec.js";
import { readMeanImage } from "./read-mean.js";
import type { PlainRecord } from "./records.js";

/** Extents of one image: channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Caffe's DataTransformer: crop, mirror, mean, scale, in that order of coordinates. */
export interface Transformer {
  /** The shape of what `apply` writes, for a record of the given shape. @throws CortadoError if it does not fit */
  shapeOf(record: ImageShape, what: string): ImageShape;
  /** Writes one transformed record to `out` from `offset`: (value − mean) · scale, in float32. */
  apply(record: PlainRecord, out: Float32Array, offset: number, what: string): void;
}

/** What is subtracted: nothing, a value for each channel, or an image as large as a record. */
export interface Subtracted {
  readonly values: readonly number[];
  readonly image?: { readonly shape: ImageShape; readonly data: Float32Array };
}

/**
 * Prepares a layer's transformation. Crops are at random in TRAIN and centred in TEST; a mirror is tossed for in
 * both, as in Caffe; both draw from `random`.
 */
export async function createTransformer(
  spec: TransformSpec,
  options: { readonly phase: "TRAIN" | "TEST"; readonly root: string; readonly random: RandomStream },
): Promise<Transformer> {
  const { cropSize, mirror, scale } = spec;
  const { phase, random } = options;
  const mean = await readMeans(spec, options.root);
  const meanOf = meanLookup(mean);

  const shapeOf = ([channels, height, width]: ImageShape, what: string): ImageShape => {
    if (cropSize > height || cropSize > width)
      throw userError(
        `crop_size ${cropSize} is larger than ${what}, which is ${height} × ${width} (height × width)`,
      );
    const { image, values } = mean;
    if (image?.shape.some((extent, i) => extent !== [channels, height, width][i]))
      throw userError(
        `the mean image has the shape ${showShape(image.shape)}, and ${what} has ${channels}×${height}×${width}`,
      );
    if (values.length > 1 && values.length !== channels)
      throw userError(`mean_value is given ${values.length} times, and ${what} has ${channels} channels`);
    return cropSize > 0 ? [channels, cropSize, cropSize] : [channels, height, width];
  };

  return {
    shapeOf,
    apply(record, out, offset, what) {
      const { channels, height, width } = record;
      const [, rows, columns] = shapeOf([channels, height, width], what);
      const atRandom = phase === "TRAIN" && cropSize > 0;
      // As Caffe: heights are drawn before widths, and the mirror before either.
      const mirrored = mirror && random.integer(2) === 1;
      const top = atRandom ? random.integer(height - rows + 1) : (height - rows) >> 1;
      const left = atRandom ? random.integer(width - columns + 1) : (width - columns) >> 1;
      const part = { top, left, rows, columns, mirrored };
      writePart(record, part, { meanOf, scale }, out.subarray(offset));
    },
  };
}

/** Where a part of a record lies, and whether it is mirrored. */
export interface RecordPart {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
  readonly mirrored: boolean;
}

/**
 * Writes a part of a record: (value − mean) · scale, in float32.
 *
 * @param of `channelAt`: which of the record's channels comes in each place; default: their own
 */
export function writePart(
  { channels, height, width, data }: Pick<PlainRecord, "channels" | "height" | "width" | "data">,
  { top, left, rows, columns, mirrored }: RecordPart,
  of: {
    readonly meanOf: ReturnType<typeof meanLookup>;
    readonly scale: number;
    readonly channelAt?: (place: number) => number;
  },
  out: Float32Array,
): void {
  const { meanOf, scale, channelAt = (place) => place } = of;
  let to = 0;
  for (let place = 0; place < channels; place++) {
    const c = channelAt(place);
    for (let y = 0; y < rows; y++) {
      const row = (c * height + top + y) * width + left;
      for (let x = 0; x < columns; x++) {
        const from = row + (mirrored ? columns - 1 - x : x);
        out[to++] = Math.fround(data[from] - meanOf(c, from)) * scale;
      }
    }
  }
}

/** What a layer's transformation subtracts. @throws CortadoError when the mean file cannot be read */
export const readMeans = async (
  { meanValues, meanFile }: Pick<TransformSpec, "meanValues" | "meanFile">,
  root: string,
): Promise<Subtracted> => ({
  values: meanValues,
  image: meanFile === undefined ? undefined : await readMeanImage(meanFile, root),
});

/** The mean at a channel and position, as the cheapest function that gives it. */
export function meanLookup({ image, values }: Subtracted): (channel: number, position: number) => number {
  if (image) return (_, position) => image.data[position];
  if (values.length === 0) return () => 0;
  const floats = Float32Array.from(values);
  return floats.length === 1 ? () => floats[0] : (channel) => floats[channel];
}

import type { DecodedImage } from "./image.js";

/** Bits of a weight's fraction. */
const BITS = 11;
const ONE = 1 << BITS;

/** Where an output position lies between two input positions, and the weights of both. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weights: Int32Array;
}

/**
 * Brings an image to another size as OpenCV's `resize` with INTER_LINEAR does for 8 bits, bit for bit: output
 * position i lies at (i + ½)·in/out − ½ of the input; weights have 11 bits; a row's sums keep 20 bits and lose 4 of
 * them before they are weighted again and rounded. There is no antialiasing.
 */
export function resizeBilinear(image: DecodedImage, height: number, width: number): DecodedImage {
  const { channels, height: rows, width: columns, data } = image;
  if (rows === height && columns === width) return image;
  const out = new Uint8Array(channels * height * width);
  const x = taps(columns, width);
  const y = taps(rows, height);
  // Beyond the first and last column only one column counts; rows keep both weights, on the same row twice.
  for (let i = 0; i < width; i++)
    if (x.first[i] === x.second[i]) {
      x.weights[2 * i] = ONE;
      x.weights[2 * i + 1] = 0;
    }
  const above = new Int32Array(width);
  const below = new Int32Array(width);
  const blend = (row: number, into: Int32Array): void => {
    for (let i = 0; i < width; i++)
      into[i] = data[row + x.first[i]] * x.weights[2 * i] + data[row + x.second[i]] * x.weights[2 * i + 1];
  };
  let to = 0;
  for (let c = 0; c < channels; c++) {
    const plane = c * rows * columns;
    for (let j = 0; j < height; j++) {
      blend(plane + y.first[j] * columns, above);
      blend(plane + y.second[j] * columns, below);
      const upper = y.weights[2 * j];
      const lower = y.weights[2 * j + 1];
      for (let i = 0; i < width; i++)
        out[to++] = (((upper * (above[i] >> 4)) >> 16) + ((lower * (below[i] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return { channels, height, width, data: out };
}

function taps(input: number, output: number): Taps {
  const scale = 1 / (output / input);
  const first = new Int32Array(output);
  const second = new Int32Array(output);
  const weights = new Int32Array(2 * output);
  for (let i = 0; i < output; i++) {
    const position = Math.fround((i + 0.5) * scale - 0.5);
    const at = Math.floor(position);
    const fraction = Math.fround(position - at);
    first[i] = Math.min(Math.max(at, 0), input - 1);
    second[i] = Math.min(Math.max(at + 1, 0), input - 1);
    weights[2 * i] = roundEven(Math.fround(1 - fraction) * ONE);
    weights[2 * i + 1] = roundEven(fraction * ONE);
  }
  return { first, second, weights };
}

/** To the nearest integer; halves to the even one. */
function roundEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** A stretch of an image: `height` rows from `top`, `width` columns from `left`, all inside it. */
export function cutOut(
  image: DecodedImage,
  top: number,
  left: number,
  height: number,
  width: number,
): DecodedImage {
  const data = new Uint8Array(image.channels * height * width);
  for (let c = 0; c < image.channels; c++)
    for (let y = 0; y < height; y++) {
      const from = (c * image.height + top + y) * image.width + left;
      data.set(image.data.subarray(from, from + width), (c * height + y) * width);
    }
  return { channels: image.channels, height, width, data };
}

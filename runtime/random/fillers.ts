import { type CortadoError, didYouMean, userError } from "../../proto/errors/index.js";
import type { FillerParameter } from "../../proto/index.js";
import { quoted } from "../../proto/words/names.js";
import { fillerMisfit } from "./filler-fit.js";
import { angleOf, type RandomStream, radiusOf, randomStream, uniformOf } from "./philox.js";

type Shape = readonly number[];
type Filler = (out: Float32Array, shape: Shape, filler: FillerParameter, random: RandomStream) => void;

/** Caffe's fillers by name, with its formulas (include/caffe/filler.hpp of Caffe 1.0). */
const FILLERS: Readonly<Record<string, Filler>> = Object.assign(Object.create(null), {
  constant: (out, _shape, filler) => {
    out.fill(filler.value);
  },
  uniform: (out, _shape, { min, max }, random) => fillUniform(out, min, max, random),
  gaussian: (out, shape, { mean, std, sparse }, random) => {
    fillGaussian(out, mean, std, random);
    if (sparse < 0) return;
    // On average `sparse` of the values that belong to one output stay.
    const kept = Math.min(1, sparse / shape[0]);
    for (let i = 0; i < out.length; i++) if (random.uniform() >= kept) out[i] = 0;
  },
  positive_unitball: (out, shape, _filler, random) => {
    fillUniform(out, 0, 1, random);
    const rows = shape[0] ?? 1;
    const length = out.length / rows;
    for (let row = 0; row < rows; row++) {
      const values = out.subarray(row * length, (row + 1) * length);
      const sum = values.reduce((total, value) => total + value, 0);
      for (let i = 0; i < length; i++) values[i] = values[i] / sum;
    }
  },
  xavier: (out, shape, filler, random) => {
    const scale = Math.sqrt(3 / varianceDivisor(shape, filler));
    fillUniform(out, -scale, scale, random);
  },
  msra: (out, shape, filler, random) => {
    fillGaussian(out, 0, Math.sqrt(2 / varianceDivisor(shape, filler)), random);
  },
  bilinear: (out, shape) => {
    const width = shape[3];
    const factor = Math.ceil(width / 2);
    const centre = (width - 1) / (2 * factor);
    for (let i = 0; i < out.length; i++) {
      const x = i % width;
      const y = Math.floor(i / width) % width;
      out[i] = (1 - Math.abs(x / factor - centre)) * (1 - Math.abs(y / factor - centre));
    }
  },
} satisfies Record<string, Filler>);

/** Names that a FillerParameter's `type` may have. */
export const fillerTypes: readonly string[] = Object.keys(FILLERS);

/**
 * The first values of a blob. The same (filler, shape, seed, stream) gives the same values everywhere.
 *
 * @param shape extents of the blob, outermost first
 * @param seed the run's seed; @param stream which of its streams to draw from (see `streamOf`)
 * @param out where they go: as many zeros
 * @throws CortadoError for an unknown type, or a filler that cannot fill this shape
 */
export function fill(
  filler: FillerParameter,
  shape: Shape,
  seed: number,
  stream: number,
  out: Float32Array = new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
): Float32Array {
  const problem = fillerProblem(filler) ?? fillerMisfit(filler, shape);
  if (problem) throw problem;
  if (out.length > 0) FILLERS[filler.type](out, shape, filler, randomStream(seed, stream));
  return out;
}

/** What is wrong with a filler whatever the shape, or undefined. */
export function fillerProblem(filler: FillerParameter): CortadoError | undefined {
  if (!Object.hasOwn(FILLERS, filler.type)) {
    return userError(
      `unknown filler type ${quoted(filler.type)}`,
      didYouMean(filler.type, fillerTypes) ?? `known are ${fillerTypes.join(", ")}`,
    );
  }
  if (filler.sparse !== -1 && filler.type !== "gaussian") {
    return userError(`only the gaussian filler can be sparse, not ${quoted(filler.type)}`);
  }
  if (filler.sparse < -1) return userError(`a filler's sparse is -1 or a count, not ${filler.sparse}`);
  return undefined;
}

/**
 * The n of xavier and msra. Fan-in is count / shape[0]; fan-out is count / shape[1], or the whole count of a
 * vector: Caffe's rule for a weight blob that stands output-first, whatever its number of axes.
 */
function varianceDivisor(shape: Shape, filler: FillerParameter): number {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const fanIn = count / (shape[0] ?? 1);
  const fanOut = shape.length > 1 ? count / shape[1] : count;
  switch (filler.variance_norm) {
    case "FAN_IN":
      return fanIn;
    case "FAN_OUT":
      return fanOut;
    case "AVERAGE":
      return (fanIn + fanOut) / 2;
    default:
      return filler.variance_norm satisfies never;
  }
}

/** Words that are drawn at once: one by one takes twice as long, and a net may have a hundred million. */
const DRAWN = 1024;

/** Calls `take` with the words of so many values, and where those begin. `DRAWN` is even, so pairs of words stay together. */
function eachDrawn(
  count: number,
  random: RandomStream,
  take: (words: Uint32Array, from: number) => void,
): void {
  const words = new Uint32Array(DRAWN);
  for (let from = 0; from < count; from += DRAWN) {
    const some = words.subarray(0, Math.min(DRAWN, count - from));
    random.words(some);
    take(some, from);
  }
}

function fillUniform(out: Float32Array, low: number, high: number, random: RandomStream): void {
  eachDrawn(out.length, random, (words, from) => {
    for (let i = 0; i < words.length; i++) out[from + i] = low + (high - low) * uniformOf(words[i]);
  });
}

function fillGaussian(out: Float32Array, mean: number, std: number, random: RandomStream): void {
  const pairs = out.length - (out.length % 2);
  eachDrawn(pairs, random, (words, from) => {
    for (let i = 0; i < words.length; i += 2) {
      const radius = radiusOf(words[i]);
      const angle = angleOf(words[i + 1]);
      out[from + i] = mean + std * (radius * Math.cos(angle));
      out[from + i + 1] = mean + std * (radius * Math.sin(angle));
    }
  });
  if (pairs < out.length) out[pairs] = mean + std * random.gaussian();
}

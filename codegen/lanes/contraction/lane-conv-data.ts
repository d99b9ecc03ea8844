import { InternalError } from "../../../proto/errors/index.js";
import { lowerBlocked } from "../../contraction/blocked.js";
import { type ConvSizes, convSizes } from "../../contraction/conv-sizes.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";
import type { Line } from "./correlation.js";
import { isMostlyPadding, lowerCorrelations } from "./lane-conv.js";
import { lowerPointwise } from "./lower-pointwise.js";
import type { PaddedPlanes } from "./pad.js";
import { pointwiseConvData } from "./pointwise-conv.js";

/**
 * The adjoint of convolution in x, in lanes of x's channels: x[c, i] = Σ over (o, tap) of w[o, c, tap] · y[o, (i + pad −
 * tap·dilation) / stride], where that is a whole number. Elements of x that are a stride apart sum the same taps: those are
 * the phases.
 */
export function lowerLaneConvData(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (anchor.op !== "convData") throw new InternalError(`lowerLaneConvData of ${anchor.op}`);
  const [y, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, anchor.shape, w.shape);
  const { images, groups, channels, filters, kernel, taps, input, output } = sizes;
  const widest = widestVector(context);
  const pointwise = pointwiseConvData(y, w, sizes);
  if (pointwise && context.target.lanes)
    return lowerPointwise(context, context.target.lanes, pointwise, widest);
  const axes = input.map((_, axis) => linesAlong(sizes, axis));
  const before = axes.map((lines) => Math.max(0, ...lines.map((line) => -reachOf(line)[0])));
  const padded = axes.map(
    (lines, axis) => before[axis] + Math.max(output[axis], ...lines.map((line) => reachOf(line)[1] + 1)),
  );
  const inPlace = padded.every((extent, axis) => extent === output[axis]) && !context.computed.has(y);
  const copy: PaddedPlanes = { node: y, planes: images * groups * filters, input: output, padded, before };
  if (widest === 1 || (!inPlace && isMostlyPadding(copy))) return lowerBlocked(context);
  const moved = axes.map((lines, axis) =>
    lines.map((line) => ({
      ...line,
      source: { ...line.source, start: line.source.start + before[axis] },
    })),
  );
  return lowerCorrelations(context, {
    images,
    groups,
    channels: filters,
    results: channels,
    source: { node: y, extents: padded, ...(!inPlace && { copy }) },
    kernel,
    extents: input,
    weights: {
      node: w,
      members: { count: groups, stride: filters * channels * taps },
      rows: { count: channels, stride: taps },
      depth: { shape: [filters, taps], strides: [channels * taps, 1] },
      lanes: lanesFor(channels, widest),
    },
    phases: combinations(moved.slice(0, -1)).map((outer) => ({ outer, inner: moved[moved.length - 1] })),
  });
}

/** One line for each remainder of an axis of x by the stride. */
function linesAlong({ input, stride, pad, dilation, kernel }: ConvSizes, axis: number): readonly Line[] {
  const [step, apart] = [stride[axis], dilation[axis]];
  return Array.from({ length: Math.min(step, input[axis]) }, (_, start): Line => {
    const count = Math.ceil((input[axis] - start) / step);
    const taps = Array.from({ length: kernel[axis] }, (_tap, tap) => tap).filter(
      (tap) => (start + pad[axis] - tap * apart) % step === 0,
    );
    const first = taps[0] ?? 0;
    const every = (taps[1] ?? first + 1) - first;
    return {
      count,
      result: { start, step },
      source: { start: taps.length === 0 ? 0 : (start + pad[axis] - first * apart) / step, step: 1 },
      taps: { count: taps.length, step: -(every * apart) / step, weights: { start: first, step: every } },
    };
  });
}

/** The least and the greatest position of the source that a line reads. */
function reachOf({ count, source, taps }: Line): readonly [least: number, greatest: number] {
  if (taps.count === 0) return [0, 0];
  const ends = [source.start, source.start + (taps.count - 1) * taps.step];
  return [Math.min(...ends), Math.max(...ends) + (count - 1) * source.step];
}

/** All ways to take one of each. */
const combinations = <T>(choices: readonly (readonly T[])[]): readonly (readonly T[])[] =>
  choices.reduce<readonly (readonly T[])[]>(
    (all, some) => all.flatMap((taken) => some.map((one) => [...taken, one])),
    [[]],
  );

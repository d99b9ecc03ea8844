import { InternalError } from "../../../proto/errors/index.js";
import { lowerBlocked, mostlyPadding } from "../../contraction/blocked.js";
import { type ConvSizes, convSizes } from "../../contraction/conv-sizes.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";
import type { Correlation, Line, PlaneSource } from "./correlation.js";
import { chooseLaneTile } from "./lane-tile.js";
import { lowerCorrelation } from "./lower-correlation.js";
import { lowerPointwise } from "./lower-pointwise.js";
import { lowerPacking, type Packing, packedRoom } from "./pack.js";
import { lowerPadding, type PaddedPlanes } from "./pad.js";
import { choosePixelLanes, lowerPixelLanes } from "./pixel-lanes.js";
import { pointwiseConv } from "./pointwise-conv.js";

/** Convolution in lanes of output channels, and by the loops of one thread where that would be little but zeros. */
export function lowerLaneConv(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (anchor.op !== "conv") throw new InternalError(`lowerLaneConv of ${anchor.op}`);
  const [x, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, w.shape);
  const copy = copyOf(context, x, sizes);
  const widest = widestVector(context);
  if (widest === 1 || (copy && isMostlyPadding(copy))) return lowerBlocked(context);
  const pointwise = pointwiseConv(x, w, sizes, sizes.unpadded ? undefined : copy);
  if (pointwise && context.target.lanes)
    return lowerPointwise(context, context.target.lanes, pointwise, widest);
  const { channels, filters, groups, kernel, taps } = sizes;
  const lines = linesOf(sizes);
  return lowerCorrelations(context, {
    images: sizes.images,
    groups,
    channels,
    results: filters,
    source: { node: x, extents: sizes.padded, ...(copy && { copy }) },
    kernel,
    extents: sizes.output,
    weights: {
      node: w,
      members: { count: groups, stride: filters * channels * taps },
      rows: { count: filters, stride: channels * taps },
      depth: { shape: [channels * taps], strides: [1] },
      lanes: lanesFor(filters, widest),
    },
    phases: [{ outer: lines.slice(0, -1), inner: lines.slice(-1) }],
  });
}

export const isMostlyPadding = ({ planes, input, padded }: PaddedPlanes): boolean =>
  mostlyPadding(planes * sizeOf(padded), planes * sizeOf(input));

/** Padding written out, or the values of what is not in memory. */
export function copyOf(context: StepContext, node: Node, sizes: ConvSizes): PaddedPlanes | undefined {
  const { images, groups, channels, input, padded, pad, unpadded } = sizes;
  if (unpadded && !context.computed.has(node)) return undefined;
  return { node, planes: images * groups * channels, input, padded, before: pad };
}

export const linesOf = ({ output, stride, kernel, dilation }: ConvSizes): readonly Line[] =>
  output.map((count, axis) => ({
    count,
    result: { start: 0, step: 1 },
    source: { start: 0, step: stride[axis] },
    taps: { count: kernel[axis], step: dilation[axis], weights: { start: 0, step: 1 } },
  }));

/** Correlations of one source with the same weights. */
export interface Correlations extends Omit<Correlation, "weights" | "outer" | "inner"> {
  readonly source: PlaneSource;
  readonly weights: Omit<Packing, "vectors">;
  readonly phases: readonly Pick<Correlation, "outer" | "inner">[];
}

/** What must be copied first, then the sums of each phase; of few channels with pixels in the lanes, if that is faster. */
export function lowerCorrelations(
  context: StepContext,
  { phases, ...all }: Correlations,
): readonly LoweredKernel[] {
  const { lanes } = all.weights;
  const { target } = context;
  if (!target.lanes) throw new InternalError("lanes on a target that has none");
  const taps = sizeOf(all.kernel) / phases.length / phases[0].inner.length;
  const depth = Math.max(1, all.channels * taps);
  const length = Math.max(...phases[0].inner.map(({ count }) => count));
  const { tile, turns } = chooseLaneTile(target.lanes, length, Math.ceil(all.results / lanes), depth);
  const rows = sizeOf(phases[0].outer.map(({ count }) => count));
  const pixels = phases.length === 1 ? choosePixelLanes(context, { ...all, ...phases[0] }) : undefined;
  if (pixels && pixels.turns < turns * depth * rows) return [lowerPixelLanes(context, pixels.sums)];
  const weights: Packing = { ...all.weights, vectors: tile.vectors };
  const places = { weights: 0, source: packedRoom(context, weights) };
  const { copy } = all.source;
  return [
    lowerPacking(context, weights, places.weights),
    ...(copy ? [lowerPadding(context, copy, widestVector(context), places.source)] : []),
    ...phases.map((phase) => lowerCorrelation(context, { ...all, ...phase, weights }, tile, places)),
  ];
}

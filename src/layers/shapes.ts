import type { Shape, WindowAxis } from "../../codegen/ir/graph.js";
import { showShape } from "../../proto/words/amounts.js";
import type { FailDetail } from "./record.js";

/** Number of elements of the axes from `from` up to, not including, `to`. */
export const countBetween = (shape: Shape, from: number, to = shape.length): number =>
  shape.slice(from, to).reduce((product, extent) => product * extent, 1);

/** The part of a layer's context that reports a mistake. */
interface Failing {
  fail(message: string, field?: string, detail?: FailDetail): never;
}

/** An axis counted from the front: −1 is the last. Fails at `field` where the shape has no such axis. */
export function canonicalAxis(
  context: Failing,
  axis: number,
  shape: Shape,
  field: string,
  detail: FailDetail = {},
): number {
  const rank = shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const range = rank === 0 ? "a scalar has none" : `it can be ${-rank} to ${rank - 1}`;
    context.fail(`there is no axis ${axis} in a bottom of shape ${showShape(shape)}: ${range}`, field, {
      bottoms: [0],
      ...detail,
    });
  }
  return axis < 0 ? axis + rank : axis;
}

/** How many positions a dilated kernel covers along an axis. */
export const kernelReach = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/**
 * Outputs of a convolution along an axis; below 1 where the kernel does not fit. As in Caffe, whose division rounds to
 * 0, a kernel that reaches over the end of the padding by less than a stride has one position, and finds 0 there.
 */
export const convOutput = (
  input: number,
  kernel: number,
  stride: number,
  pad: number,
  dilation: number,
): number => Math.trunc((input + 2 * pad - kernelReach(kernel, dilation)) / stride) + 1;

/** A pooling axis: its windows, and how many of them touch the input at all (the others hold padding only). */
export interface PoolAxis extends WindowAxis {
  readonly touching: number;
}

/**
 * Caffe's pooling windows along an axis (PoolingLayer::Reshape): rounded up by default, so that the last may reach
 * over the end; with padding anywhere (`padded`), a last window that would start in the end padding is left out.
 */
export function poolAxis(
  axis: number,
  extent: number,
  kernel: number,
  stride: number,
  pad: number,
  round: "CEIL" | "FLOOR",
  padded: boolean,
): PoolAxis {
  const steps = (extent + 2 * pad - kernel) / stride;
  let windows = (round === "CEIL" ? Math.ceil(steps) : Math.floor(steps)) + 1;
  if (padded && (windows - 1) * stride >= extent + pad) windows--;
  const touching = Math.max(0, Math.min(windows, Math.ceil((extent + pad) / stride)));
  // No window covers more than the input with its padding, however large the kernel.
  return { axis, size: Math.min(kernel, extent + 2 * pad), stride, pad, windows, extent, touching };
}

import { InternalError } from "../../proto/errors/index.js";
import { type Node, sizeOf } from "../ir/graph.js";
import {
  add,
  addInt,
  all,
  compare,
  div,
  flatten,
  gcd,
  int,
  mod,
  mul,
  sub,
  unflatten,
  ZERO,
} from "../kernel/indices.js";
import type { Condition, Index, Value } from "../kernel/kernel.js";
import { ZERO_VALUE } from "../kernel/writer.js";
import type { KernelDraft, StepContext } from "../lower/step.js";
import type { Contraction } from "./contraction.js";
import { type ConvSizes, convSizes } from "./conv-sizes.js";

/*
 * The three convolutions as contractions, one batch member for each group (and, for the adjoint in x, each phase).
 * Nothing is laid out in memory: an operand's element is read where it lies, and padding is a comparison.
 */

/** y[n, o, p] = Σ over (c, tap) of w[o, c, tap] · x[n, c, p·stride + tap·dilation − pad]. */
export function convContraction({ anchor }: StepContext): Contraction {
  if (anchor.op !== "conv") throw new InternalError(`convContraction of ${anchor.op}`);
  const [x, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, w.shape);
  const { images, groups, channels, filters, taps, kernel, output, pixels, stride, pad, dilation } = sizes;
  const depth = [channels, ...kernel];
  return {
    batch: groups,
    rows: filters,
    columns: images * pixels,
    depth,
    a: { contiguous: "depth", elements: sizeOf(w.shape), instructions: () => 3, walked: 2 },
    b: {
      contiguous: "outer",
      elements: sizeOf(x.shape),
      instructions: windowReading(sizes),
      walked: walkedReading(sizes.unpadded, kernel.length),
    },
    share: 1,
    flops: 2 * images * groups * filters * pixels * channels * taps,
    open(draft, group) {
      const { writer, evaluate } = draft;
      return {
        summed: true,
        a(row) {
          const start = writer.integer(mul(add(mul(group, filters), row), channels * taps));
          return (k, within) =>
            evaluate.guard(
              within,
              () => evaluate.elementAt(w, add(start, k)),
              () => ZERO_VALUE,
            );
        },
        b(column) {
          const [image, ...pixel] = unflatten(column, [images, ...output]).map((c) => writer.integer(c));
          const start = pixel.map((v, axis) => writer.integer(addInt(mul(v, stride[axis]), -pad[axis])));
          return (k, within) => {
            const [c, ...tap] = unflatten(k, depth);
            const at = tap.map((v, axis) => add(start[axis], mul(v, dilation[axis])));
            return planeValue(draft, x, sizes.input, image, add(mul(group, channels), c), at, within);
          };
        },
        column(column) {
          const [image, ...pixel] = unflatten(column, [images, ...output]).map((c) => writer.integer(c));
          const spatial = spatialOf(anchor, output, pixel);
          return (row) => ({
            coordinates: [image, add(mul(group, filters), row), ...spatial],
            inside: true,
          });
        },
      };
    },
  };
}

/**
 * The adjoint of convolution in x. A pixel h gets w[o, c, tap] · y[n, o, p] of those taps for which p = (h + pad − tap ·
 * dilation) / stride is whole. Pixels with the same h mod stride, a phase, have the same taps: with g =
 * gcd(dilation, stride), tap = u, u + stride/g, u + 2·stride/g, … for one u, or, where (h + pad) mod stride is
 * u · dilation + v with v ≢ 0 (mod g), none. So each (u, v) is a batch member that sums over its taps only.
 */
export function convDataContraction({ anchor }: StepContext): Contraction {
  if (anchor.op !== "convData") throw new InternalError(`convDataContraction of ${anchor.op}`);
  const [y, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, anchor.shape, w.shape);
  const { images, groups, channels, filters, taps, kernel, input, output, stride, pad, dilation } = sizes;
  const common = stride.map((s, axis) => gcd(dilation[axis], s));
  /** From one tap of a phase to the next. */
  const apart = stride.map((s, axis) => s / common[axis]);
  const phaseTaps = kernel.map((extent, axis) => Math.ceil(extent / apart[axis]));
  const phasePixels = input.map((extent, axis) => Math.ceil(extent / stride[axis]));
  const depth = [filters, ...phaseTaps];
  return {
    batch: groups * sizeOf(stride),
    rows: channels,
    columns: images * sizeOf(phasePixels),
    depth,
    a: {
      contiguous: sizeOf(phaseTaps) > 1 ? "depth" : "outer",
      elements: sizeOf(w.shape),
      // Where no phase leaves taps out, a tap's place is the rest of dividing depth by their number.
      instructions: (tileDepth) =>
        tileDepth % sizeOf(phaseTaps) === 0 ? 3 : sizeOf(apart) === 1 ? 8 : 3 + 5 * kernel.length,
      walked: 3,
    },
    b: {
      contiguous: "outer",
      elements: sizeOf(y.shape),
      instructions: windowReading({ taps: sizeOf(phaseTaps), kernel: phaseTaps, unpadded: taps === 1 }),
      walked: walkedReading(taps === 1, kernel.length),
    },
    share: sizeOf(kernel.map((extent, axis) => Math.min(extent, apart[axis]))) / sizeOf(stride),
    flops: 2 * images * groups * filters * sizes.pixels * channels * taps,
    open(draft, batch) {
      const { writer, evaluate } = draft;
      const [group, ...parts] = unflatten(batch, [
        groups,
        ...stride.flatMap((_, axis) => [apart[axis], common[axis]]),
      ]).map((c) => writer.integer(c));
      const phases = stride.map((s, axis) => {
        const [u, v] = [parts[2 * axis], parts[2 * axis + 1]];
        const [d, before] = [dilation[axis], pad[axis]];
        const phase = writer.integer(mod(addInt(add(mul(u, d), v), before * (s - 1)), s));
        // (phase + pad − u·dilation) / stride, whole where v = 0; `whole` keeps the dividend from being negative.
        const whole = Math.ceil(((apart[axis] - 1) * d) / s);
        const first = addInt(div(sub(addInt(phase, before + s * whole), mul(u, d)), s), -whole);
        return { u, v, phase, first: writer.integer(first) };
      });
      const tapOf = (turn: readonly Index[]): readonly Index[] =>
        turn.map((v, axis) => add(phases[axis].u, mul(v, apart[axis])));
      /** A phase may have a tap less than the longest. */
      const isTap = (turn: readonly Index[]): readonly (Condition | boolean)[] =>
        tapOf(turn).map((v, axis) => compare("lt", v, int(kernel[axis])));
      return {
        summed: all(
          phases.flatMap(({ u, v }, axis) => [compare("eq", v, ZERO), compare("lt", u, int(kernel[axis]))]),
        ),
        a(row) {
          return (k, within) => {
            const [filter, ...turn] = unflatten(k, depth);
            const tap = tapOf(turn);
            const start = mul(add(mul(add(mul(group, filters), filter), channels), row), taps);
            return evaluate.guard(
              all([within, ...isTap(turn)]),
              () => evaluate.elementAt(w, add(start, flatten(tap, kernel))),
              () => ZERO_VALUE,
            );
          };
        },
        b(column) {
          const [image, ...place] = unflatten(column, [images, ...phasePixels]).map((c) => writer.integer(c));
          const from = place.map((v, axis) => writer.integer(add(v, phases[axis].first)));
          return (k, within) => {
            const [filter, ...turn] = unflatten(k, depth);
            const at = turn.map((v, axis) => sub(from[axis], mul(v, dilation[axis] / common[axis])));
            // What no tap multiplies is 0 here too: 0 · NaN is not.
            const there = all([within, ...isTap(turn)]);
            return planeValue(draft, y, output, image, add(mul(group, filters), filter), at, there);
          };
        },
        column(column) {
          const [image, ...place] = unflatten(column, [images, ...phasePixels]).map((c) => writer.integer(c));
          const pixel = place.map((v, axis) => writer.integer(add(mul(v, stride[axis]), phases[axis].phase)));
          const inside = all(pixel.map((v, axis) => compare("lt", v, int(input[axis]))));
          const spatial = spatialOf(anchor, input, pixel);
          return (row) => ({ coordinates: [image, add(mul(group, channels), row), ...spatial], inside });
        },
      };
    },
  };
}

/** The adjoint of convolution in w: Σ over images and pixels of y[n, o, p] · x[n, c, p·stride + tap·dilation − pad]. */
export function convFilterContraction({ anchor }: StepContext): Contraction {
  if (anchor.op !== "convFilter") throw new InternalError(`convFilterContraction of ${anchor.op}`);
  const [x, y] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, anchor.shape);
  const { images, groups, channels, filters, taps, kernel, input, output, pixels, stride, pad, dilation } =
    sizes;
  const depth = [images, ...output];
  return {
    batch: groups,
    rows: filters,
    columns: channels * taps,
    depth,
    a: { contiguous: "depth", elements: sizeOf(y.shape), instructions: () => 4, walked: 3 },
    b: {
      contiguous: "depth",
      elements: sizeOf(x.shape),
      instructions: () => (sizes.unpadded ? 4 : 5 + 3 * kernel.length),
      walked: walkedReading(sizes.unpadded, kernel.length),
    },
    share: 1,
    flops: 2 * images * groups * filters * pixels * channels * taps,
    open(draft, group) {
      const { writer } = draft;
      return {
        summed: true,
        a(row) {
          const channel = add(mul(group, filters), row);
          return (k, within) => {
            const [image, ...pixel] = unflatten(k, depth);
            return planeValue(draft, y, output, image, channel, pixel, within);
          };
        },
        b(column) {
          const [c, ...tap] = unflatten(column, [channels, ...kernel]).map((v) => writer.integer(v));
          const channel = add(mul(group, channels), c);
          const start = tap.map((v, axis) => writer.integer(addInt(mul(v, dilation[axis]), -pad[axis])));
          return (k, within) => {
            const [image, ...pixel] = unflatten(k, depth);
            const at = pixel.map((v, axis) => add(mul(v, stride[axis]), start[axis]));
            return planeValue(draft, x, input, image, channel, at, within);
          };
        },
        column(column) {
          const inner = unflatten(column, anchor.shape.slice(1)).map((v) => writer.integer(v));
          return (row) => ({ coordinates: [add(mul(group, filters), row), ...inner], inside: true });
        },
      };
    },
  };
}

/**
 * Instructions of reading an element of a window. Where a slice is whole channels, a thread's taps are the same in all
 * slices; where it is whole rows of taps, their columns are.
 */
const windowReading =
  ({ taps, kernel, unpadded }: Pick<ConvSizes, "taps" | "kernel" | "unpadded">) =>
  (tileDepth: number): number => {
    const width = kernel[kernel.length - 1];
    if (tileDepth % taps === 0) return 4;
    if (tileDepth === width) return 5 + (unpadded ? 1 : 2) * kernel.length;
    if (tileDepth % width === 0) return 8 + (unpadded ? 3 : 5) * kernel.length;
    return 8 + (unpadded ? 5 : 8) * kernel.length;
  };

const walkedReading = (unpadded: boolean, axes: number): number => (unpadded ? 2 : 3 + 2 * axes);

/** x[image, channel, …at], and 0 outside of the plane or where `within` does not hold. */
function planeValue(
  { evaluate }: KernelDraft,
  x: Node,
  extents: readonly number[],
  image: Index,
  channel: Index,
  at: readonly Index[],
  within: Condition | boolean,
): Value {
  const inside = at.flatMap((v, axis) => [compare("ge", v, ZERO), compare("lt", v, int(extents[axis]))]);
  return evaluate.guard(
    all([within, ...inside]),
    () =>
      extents.length === x.shape.length - 2
        ? evaluate.valueAt(x, [image, channel, ...at])
        : evaluate.elementAt(
            x,
            add(mul(add(mul(image, x.shape[1]), channel), sizeOf(extents)), flatten(at, extents)),
          ),
    () => ZERO_VALUE,
  );
}

/** Spatial coordinates of a node whose axes `convSizes` may have taken as one. */
const spatialOf = (node: Node, extents: readonly number[], at: readonly Index[]): readonly Index[] =>
  extents.length === node.shape.length - 2 ? at : unflatten(flatten(at, extents), node.shape.slice(2));

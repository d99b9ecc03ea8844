import type { WindowAxis } from "../ir/graph.js";
import { add, addInt, all, boundsOf, compare, int, mul, ZERO } from "../kernel/indices.js";
import type { Condition, Index } from "../kernel/kernel.js";
import type { KernelWriter } from "../kernel/writer.js";
import { coveringBounds, windowBounds } from "../lower/lower-window.js";

/** So many positions of a window are written out; the axes of a greater one have loops. */
const MOST_WRITTEN_OUT = 25;

/** Elements of the other side along an axis that one element may see, in order; those that are there. */
export interface Seen {
  readonly axis: number;
  readonly count: number;
  /** The position of the n-th, and under what condition there is one. */
  nth(n: number | Index): { readonly at: Index; readonly there: Condition | boolean };
  /** Positions from … to, where all lanes see the same ones. */
  readonly bounds?: () => { readonly from: Index; readonly to: Index };
}

/** All that is seen, in row-major order; small numbers of it written out, the last axes first. */
export function overSeen(
  writer: KernelWriter,
  axes: readonly Seen[],
  at: readonly Index[],
  body: (coordinates: readonly Index[], there: Condition | boolean, path: readonly Index[]) => void,
): void {
  let written = 1;
  const outright = axes
    .toReversed()
    .map((one) => {
      if (one.bounds || written * one.count > MOST_WRITTEN_OUT) return false;
      written *= one.count;
      return true;
    })
    .toReversed();
  // Bounds are the same for all turns of the loops around.
  const bounds = axes.map((one) => one.bounds?.());
  const walk = (
    depth: number,
    coordinates: readonly Index[],
    there: readonly (Condition | boolean)[],
    path: readonly Index[],
  ): void => {
    const one = axes[depth];
    if (!one) {
      body(coordinates, all(there), path);
      return;
    }
    const next = (n: number | Index, placed = one.nth(n)): void => {
      if (placed.there === false) return;
      const inner = coordinates.map((c, axis) => (axis === one.axis ? placed.at : c));
      walk(depth + 1, inner, [...there, placed.there], [...path, placed.at]);
    };
    const bound = bounds[depth];
    if (bound) writer.loop(bound.from, bound.to, (v) => next(v, { at: v, there: true }));
    else if (outright[depth]) for (let n = 0; n < one.count; n++) next(n);
    else writer.loop(0, one.count, next);
  };
  walk(0, at, [], []);
}

/** What window `at` sees along an axis. */
export function seenBy(writer: KernelWriter, w: WindowAxis, at: readonly Index[], inLanes: boolean): Seen {
  const o = at[w.axis];
  const start = addInt(mul(o, w.stride), -w.pad);
  const [least, greatest] = boundsOf(start);
  const clipped = least < 0 || greatest + w.size > w.extent;
  return {
    axis: w.axis,
    count: w.size,
    nth(n) {
      const x = typeof n === "number" ? addInt(start, n) : add(start, n);
      if (!clipped) return { at: x, there: true };
      if (typeof n !== "number")
        return { at: x, there: all([compare("ge", x, ZERO), compare("lt", x, int(w.extent))]) };
      // The first and the last window that has an n-th element: a comparison of lanes with a constant.
      const there = all([
        compare("ge", o, int(Math.ceil((w.pad - n) / w.stride))),
        compare("lt", o, int(Math.ceil((w.extent + w.pad - n) / w.stride))),
      ]);
      return { at: x, there };
    },
    ...(clipped && !inLanes ? { bounds: () => windowBounds(writer, w, at) } : {}),
  };
}

/** Whether the only window covers all elements: then they are alike. */
export const isEverywhere = (w: WindowAxis): boolean => w.windows === 1 && w.extent <= w.size - w.pad;

/** The windows that cover an element along an axis: in lanes, those of stride 1, or the only one. */
export function covering(writer: KernelWriter, w: WindowAxis, at: readonly Index[], inLanes: boolean): Seen {
  const i = at[w.axis];
  if (isEverywhere(w)) return { axis: w.axis, count: 1, nth: () => ({ at: ZERO, there: true }) };
  if (w.windows === 1)
    return {
      axis: w.axis,
      count: 1,
      nth: () => ({ at: ZERO, there: compare("lt", i, int(w.size - w.pad)) }),
    };
  const first = addInt(i, w.pad - w.size + 1);
  const [least, greatest] = boundsOf(first);
  const clipped = least < 0 || greatest + w.size > w.windows;
  return {
    axis: w.axis,
    count: w.size,
    nth(n) {
      const o = typeof n === "number" ? addInt(first, n) : add(first, n);
      return { at: o, there: all([compare("ge", o, ZERO), compare("lt", o, int(w.windows))]) };
    },
    ...((clipped || w.stride > 1) && !inLanes ? { bounds: () => coveringBounds(writer, w, at) } : {}),
  };
}

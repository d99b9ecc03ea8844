import { InternalError } from "../../proto/errors/index.js";
import { type Node, type NodeOf, sizeOf, type WindowAxis } from "../ir/graph.js";
import { isMarker } from "../ir/ops/markers.js";
import { LOWEST } from "../ir/real.js";
import { addInt, compare, div, flatten, int, max, min, mul, ZERO } from "../kernel/indices.js";
import type { Index, Typed } from "../kernel/kernel.js";
import { constant, type KernelWriter, load, plus, ZERO_VALUE } from "../kernel/writer.js";
import { type AxisGroup, joinAxes, loopOver, parallelOver } from "./nest.js";
import type { KernelDraft, LoweredKernel, StepContext } from "./step.js";

type WindowNode = NodeOf<"windowMax" | "windowArgmax" | "windowScatter" | "windowSum" | "windowSpread">;

/** The steps whose elements see windows: pooling forward and backward, LRN's sums. windowPick is element-wise. */
export function lowerWindow(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  switch (anchor.op) {
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
      return [overElements(context, anchor, (draft, at) => windowOf(draft, context, anchor, at))];
    case "windowSpread":
      return [overElements(context, anchor, (draft, at) => spreadTo(draft, anchor, at))];
    case "windowScatter":
      return [scatterPlanes(context, anchor)];
    default:
      throw new InternalError(`lowerWindow of ${anchor.op}`);
  }
}

/** One result element after the other: axes that have no window are joined where memory allows it. */
export function overElements(
  context: StepContext,
  anchor: WindowNode,
  element: (draft: KernelDraft, coordinates: readonly Index[]) => void,
): LoweredKernel {
  const { shape } = anchor;
  const windowedAxis = (axis: number): boolean => anchor.window.some((w) => w.axis === axis);
  const groups = joinAxes(context, shape, (a, b) => !windowedAxis(a) && !windowedAxis(b), element);
  const draft = context.open();
  parallelOver(draft.writer, context.target.parallelIterations, groups, shape.length, (at) =>
    element(draft, at),
  );
  const size = anchor.window.reduce((product, w) => product * w.size, 1);
  const windows = anchor.op === "windowSpread" ? sizeOf(anchor.inputs[0].shape) : sizeOf(shape);
  return draft.close(windows * size);
}

/** The plain positions of window `at` along an axis, clipped. */
export function windowBounds(writer: KernelWriter, w: WindowAxis, at: readonly Index[]) {
  const start = addInt(mul(at[w.axis], w.stride), -w.pad);
  return {
    from: writer.integer(max(start, ZERO), 0),
    to: writer.integer(min(addInt(start, w.size), int(w.extent)), 0, w.extent),
  };
}

/** Loops over the plain positions that window `at` covers, clipped; small unclipped ones are written out. */
function overWindow(
  writer: KernelWriter,
  unrolled: number,
  window: readonly WindowAxis[],
  at: readonly Index[],
  body: (coordinates: readonly Index[]) => void,
): void {
  const inside = (w: WindowAxis): boolean => w.pad === 0 && (w.windows - 1) * w.stride + w.size <= w.extent;
  const writtenOut = window.every(inside) && window.reduce((product, w) => product * w.size, 1) <= unrolled;
  const bounds = window.map((w) => {
    const start = addInt(mul(at[w.axis], w.stride), -w.pad);
    return writtenOut || inside(w) ? { from: start, to: addInt(start, w.size) } : windowBounds(writer, w, at);
  });
  const walk = (depth: number, coordinates: readonly Index[]): void => {
    const w = window[depth];
    if (!w) {
      body(coordinates);
      return;
    }
    const place = (v: Index): readonly Index[] => coordinates.map((c, axis) => (axis === w.axis ? v : c));
    const { from, to } = bounds[depth];
    if (writtenOut) for (let i = 0; i < w.size; i++) walk(depth + 1, place(addInt(from, i)));
    else writer.loop(from, to, (v) => walk(depth + 1, place(v)));
  };
  walk(0, at);
}

/** Positions count row-major, so the axes are taken in their order. */
export const byAxis = (window: readonly WindowAxis[]): readonly WindowAxis[] =>
  window.toSorted((a, b) => a.axis - b.axis);

/** Row-major position over the windowed axes of the plain side. */
export const positionOf = (window: readonly WindowAxis[], at: readonly Index[]): Index =>
  flatten(
    window.map((w) => at[w.axis]),
    window.map((w) => w.extent),
  );

function windowOf(
  draft: KernelDraft,
  context: StepContext,
  anchor: NodeOf<"windowMax" | "windowArgmax" | "windowSum">,
  at: readonly Index[],
): void {
  const { writer, evaluate } = draft;
  const [x] = anchor.inputs;
  const window = byAxis(anchor.window);
  const over = (body: (coordinates: readonly Index[]) => void): void =>
    overWindow(writer, context.target.unrolledWindow, window, at, body);
  if (anchor.op === "windowSum") {
    const sum = writer.variable(ZERO_VALUE);
    over((c) => writer.assign(sum, plus(sum, evaluate.valueAt(x, c))));
    draft.storeAt(at, { type: "real", value: sum });
    return;
  }
  // One search finds both the greatest and its position, whichever of the two the step computes.
  const twins = [...context.computed].filter((node) => node.op === "windowMax" || node.op === "windowArgmax");
  const best = writer.variable(constant(LOWEST));
  const position = twins.some((node) => node.op === "windowArgmax")
    ? writer.counter(positionOf(window, firstOf(window, at)))
    : undefined;
  over((c) => {
    const value = writer.real(evaluate.valueAt(x, c));
    writer.when({ kind: "compareValue", cmp: "gt", a: value, b: best }, () => {
      writer.assign(best, value);
      if (position) writer.assignIndex(position, positionOf(window, c));
    });
  });
  const typedOf = (node: Node): Typed =>
    node.op === "windowArgmax" && position
      ? { type: "index", value: position }
      : { type: "real", value: best };
  draft.storeAt(
    at,
    typedOf(anchor),
    twins.map((node) => [node, typedOf(node)] as const),
  );
}

/** Where a window starts on the plain side, clipped. */
export const firstOf = (window: readonly WindowAxis[], at: readonly Index[]): readonly Index[] =>
  at.map((c, axis) => {
    const w = window.find((other) => other.axis === axis);
    return w ? max(addInt(mul(c, w.stride), -w.pad), ZERO) : c;
  });

/** The windows that cover a plain position along an axis. */
export function coveringBounds(writer: KernelWriter, w: WindowAxis, at: readonly Index[]) {
  // o·stride − pad ≤ i < o·stride − pad + size, that is ⌊(i + pad − size)/stride⌋ < o ≤ ⌊(i + pad)/stride⌋.
  const i = addInt(at[w.axis], w.pad);
  return {
    from: writer.integer(div(max(addInt(i, w.stride - w.size), ZERO), w.stride), 0, w.windows),
    to: writer.integer(min(addInt(div(i, w.stride), 1), int(w.windows)), 0, w.windows),
  };
}

/** Loops over the windows that cover a plain position. */
export function overCovering(
  writer: KernelWriter,
  window: readonly WindowAxis[],
  at: readonly Index[],
  body: (coordinates: readonly Index[]) => void,
): void {
  const bounds = window.map((w) => coveringBounds(writer, w, at));
  const walk = (depth: number, coordinates: readonly Index[]): void => {
    const w = window[depth];
    if (!w) {
      body(coordinates);
      return;
    }
    const { from, to } = bounds[depth];
    const inside = (v: Index): void =>
      walk(
        depth + 1,
        coordinates.map((c, axis) => (axis === w.axis ? v : c)),
      );
    // Windows that do not overlap: at most one covers a position.
    if (w.size <= w.stride) writer.when(compare("lt", from, to), () => inside(from));
    else writer.loop(from, to, inside);
  };
  walk(0, at);
}

function spreadTo(draft: KernelDraft, anchor: NodeOf<"windowSpread">, at: readonly Index[]): void {
  const { writer, evaluate } = draft;
  const sum = writer.variable(ZERO_VALUE);
  overCovering(writer, anchor.window, at, (c) =>
    writer.assign(sum, plus(sum, evaluate.valueAt(anchor.inputs[0], c))),
  );
  draft.storeAt(at, { type: "real", value: sum });
}

/**
 * Clears a plane (the windowed axes of one element of the others), adds every window's value at its position, in
 * order of windows, then stores the plane. A position may lie anywhere in the plane.
 */
function scatterPlanes(context: StepContext, anchor: NodeOf<"windowScatter">): LoweredKernel {
  const [y, position] = anchor.inputs;
  const { shape } = anchor;
  const window = byAxis(anchor.window);
  const extents = window.map((w) => w.extent);
  const outer = shape.flatMap((extent, axis): AxisGroup[] =>
    window.some((w) => w.axis === axis) ? [] : [{ axes: [axis], extent }],
  );
  const inner = (extentOf: (w: WindowAxis) => number): readonly AxisGroup[] =>
    window.map((w) => ({ axes: [w.axis], extent: extentOf(w) }));
  const draft = context.open();
  const { writer, evaluate } = draft;
  const plane = writer.scratch("accumulator", sizeOf(extents));
  parallelOver(writer, Number.POSITIVE_INFINITY, outer, shape.length, (at) => {
    writer.loop(0, sizeOf(extents), (i) => writer.store(plane, i, ZERO_VALUE));
    loopOver(
      writer,
      inner((w) => w.windows),
      at,
      (c) => {
        const where = writer.integer(evaluate.indexAt(position, c));
        writer.store(plane, where, plus(load(plane, where), evaluate.valueAt(y, c)));
      },
    );
    loopOver(
      writer,
      inner((w) => w.extent),
      at,
      (c) => draft.storeAt(c, { type: "real", value: load(plane, positionOf(window, c)) }),
    );
  });
  return draft.close(sizeOf(y.shape));
}

/** Whether the graph says that the positions are those of the greatest in these very windows. */
export function positionsLieInside({ window, inputs }: NodeOf<"windowScatter">): boolean {
  let position = inputs[1];
  while (isMarker(position)) position = position.inputs[0];
  if (position.op !== "windowArgmax" || position.window.length !== window.length) return false;
  const found = byAxis(position.window);
  const keys = ["axis", "size", "stride", "pad", "windows", "extent"] as const;
  return byAxis(window).every((w, i) => keys.every((key) => w[key] === found[i][key]));
}

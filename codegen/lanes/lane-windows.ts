import { InternalError } from "../../proto/errors/index.js";
import { type Node, type NodeOf, sizeOf, type WindowAxis } from "../ir/graph.js";
import { LOWEST } from "../ir/real.js";
import {
  add,
  addInt,
  all,
  boundsOf,
  compare,
  int,
  mul,
  sub,
  unflatten,
  variable,
  ZERO,
} from "../kernel/indices.js";
import type { Condition, Index, Typed, Value } from "../kernel/kernel.js";
import { constant, type KernelWriter, load, plus, ZERO_VALUE } from "../kernel/writer.js";
import {
  byAxis,
  coveringBounds,
  firstOf,
  lowerWindow,
  positionOf,
  windowBounds,
} from "../lower/lower-window.js";
import { type AxisGroup, joinAxes, loopOver, place } from "../lower/nest.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../lower/step.js";
import { chooseLanes, everyElement, type LaneBody, lanesFor, widestVector } from "./lane-nest.js";

type WindowNode = NodeOf<"windowMax" | "windowArgmax" | "windowScatter" | "windowSum" | "windowSpread">;

/** So many positions of a window are written out; the axes of a greater one have loops. */
const MOST_WRITTEN_OUT = 25;

/** Pooling forward and backward and LRN's sums, with the elements of a row, or whatever lies side by side, in lanes. */
export function lowerLaneWindow(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (widestVector(context) === 1) return lowerWindow(context);
  switch (anchor.op) {
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
      return [inLanes(context, anchor, (draft, at, along) => windowOf(draft, context, anchor, at, along))];
    case "windowSpread":
      if (isPlaneWise(anchor)) return [addPlanes(context, anchor)];
      return [inLanes(context, anchor, (draft, at, along) => spreadTo(draft, anchor, at, along))];
    case "windowScatter":
      return [addPlanes(context, anchor)];
    default:
      throw new InternalError(`lowerLaneWindow of ${anchor.op}`);
  }
}

/**
 * Positions of an axis at which the body sees as many of the other side's elements as it ever does: windows that lie
 * inside of the plain side, or elements that all windows which might cover them do. first … last, maybe none.
 */
function evenRange({ op }: WindowNode, w: WindowAxis): readonly [first: number, last: number] {
  if (op !== "windowSpread")
    return [Math.ceil(w.pad / w.stride), Math.floor((w.extent - w.size + w.pad) / w.stride)];
  return [Math.max(0, w.size - 1 - w.pad), Math.min(w.extent - 1, w.windows - 1 - w.pad)];
}

/** A coordinate that is known to lie in a range, too. */
const narrowed = (x: Index, [first, last]: readonly [number, number]): Index =>
  x.kind === "var" ? variable(x.variable, Math.max(x.least, first), Math.min(x.greatest, last)) : x;

function inLanes(context: StepContext, anchor: WindowNode, body: LaneBody): LoweredKernel {
  const { shape } = anchor;
  const window = anchor.window.filter((w) => anchor.op !== "windowSpread" || !isEverywhere(w));
  const windowOn = (axis: number): WindowAxis | undefined => window.find((w) => w.axis === axis);
  const groups = joinAxes(
    context,
    shape,
    (a, b) => !windowOn(a) && !windowOn(b),
    (trial, at) => body(trial, at, undefined),
  );
  const axisOf = ({ axes }: AxisGroup): WindowAxis | undefined => windowOn(axes[0]);
  const choice = chooseLanes(context, groups, shape, body, {
    coordinateOf(free, group) {
      const w = axisOf(group);
      const range = w && evenRange(anchor, w);
      return range && range[0] <= range[1] ? narrowed(free, range) : free;
    },
    allowed(group) {
      const w = axisOf(group);
      return !w || anchor.op !== "windowSpread" || !liesApart(w);
    },
  });
  const draft = context.open();
  const { writer } = draft;
  const laneAxis = choice && axisOf(choice.group);
  const even = laneAxis && evenRange(anchor, laneAxis);
  const others = window.filter((w) => w !== laneAxis);
  everyElement(draft, context.target, groups, shape.length, choice, (at) => body(draft, at, choice?.group), {
    even: even && [Math.max(0, even[0]), Math.max(0, even[1] + 1)],
    around: (at, inner) => byRange(writer, anchor, others, at, inner),
  });
  const size = anchor.window.reduce((product, w) => product * w.size, 1);
  const windows = anchor.op === "windowSpread" ? sizeOf(anchor.inputs[0].shape) : sizeOf(shape);
  return draft.close(windows * size);
}

/** Twice: where all of these axes are in their even range, and where one of them is not. */
function byRange(
  writer: KernelWriter,
  anchor: WindowNode,
  axes: readonly WindowAxis[],
  at: readonly Index[],
  inner: (coordinates: readonly Index[]) => void,
): void {
  const ranges = axes.map((w) => ({ axis: w.axis, range: evenRange(anchor, w) }));
  if (ranges.some(({ range: [first, last] }) => first > last)) {
    inner(at);
    return;
  }
  const inside = all(
    ranges.flatMap(({ axis, range: [first, last] }) => [
      compare("ge", at[axis], int(first)),
      compare("lt", at[axis], int(last + 1)),
    ]),
  );
  const known = at.map((c, axis) => {
    const own = ranges.find((one) => one.axis === axis);
    return own ? narrowed(c, own.range) : c;
  });
  writer.when(
    inside,
    () => inner(known),
    () => inner(at),
  );
}

/** Elements of the other side along an axis that one element may see, in order; those that are there. */
interface Seen {
  readonly axis: number;
  readonly count: number;
  /** The position of the n-th, and under what condition there is one. */
  nth(n: number | Index): { readonly at: Index; readonly there: Condition | boolean };
  /** Positions from … to, where all lanes see the same ones. */
  readonly bounds?: () => { readonly from: Index; readonly to: Index };
}

/** All that is seen, in row-major order; small numbers of it written out, the last axes first. */
function overSeen(
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
function seenBy(writer: KernelWriter, w: WindowAxis, at: readonly Index[], inLanes: boolean): Seen {
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

const isAlong = (w: WindowAxis, along: AxisGroup | undefined): boolean =>
  along?.axes.includes(w.axis) === true;

function windowOf(
  draft: KernelDraft,
  context: StepContext,
  anchor: NodeOf<"windowMax" | "windowArgmax" | "windowSum">,
  at: readonly Index[],
  along: AxisGroup | undefined,
): void {
  const { writer, evaluate } = draft;
  const [x] = anchor.inputs;
  const window = byAxis(anchor.window);
  const axes = window.map((w) => seenBy(writer, w, at, isAlong(w, along)));
  const valueAt = (c: readonly Index[], there: Condition | boolean, otherwise: number): Value =>
    evaluate.guard(
      there,
      () => evaluate.valueAt(x, c),
      () => constant(otherwise),
    );
  if (anchor.op === "windowSum") {
    const sum = writer.variable(ZERO_VALUE);
    overSeen(writer, axes, at, (c, there) => writer.assign(sum, plus(sum, valueAt(c, there, 0))));
    draft.storeAt(at, { type: "real", value: sum });
    return;
  }
  // One search finds both the greatest and its position, whichever of the two the step computes.
  const twins = [...context.computed].filter((node) => node.op === "windowMax" || node.op === "windowArgmax");
  const best = writer.variable(constant(LOWEST));
  // Counted from the window's start, clipped or not: the same number in all lanes.
  const start = window.map((w) => addInt(mul(at[w.axis], w.stride), -w.pad));
  const flat = (path: readonly Index[]): Index =>
    path.reduce((sum, c, i) => add(mul(sum, window[i].extent), c), ZERO);
  const origin = flat(start);
  const position = twins.some((node) => node.op === "windowArgmax")
    ? writer.counter(sub(positionOf(window, firstOf(window, at)), origin))
    : undefined;
  overSeen(writer, axes, at, (c, there, path) => {
    const value = writer.real(valueAt(c, there, LOWEST));
    writer.when({ kind: "compareValue", cmp: "gt", a: value, b: best }, () => {
      writer.assign(best, value);
      if (position) writer.assignIndex(position, sub(flat(path), origin));
    });
  });
  const found = position && add(origin, position);
  const typedOf = (node: Node): Typed =>
    node.op === "windowArgmax" && found ? { type: "index", value: found } : { type: "real", value: best };
  draft.storeAt(
    at,
    typedOf(anchor),
    twins.map((node) => [node, typedOf(node)] as const),
  );
}

/** Whether the only window covers all elements: then they are alike. */
const isEverywhere = (w: WindowAxis): boolean => w.windows === 1 && w.extent <= w.size - w.pad;

/** The windows that cover an element along an axis: in lanes, those of stride 1, or the only one. */
function covering(writer: KernelWriter, w: WindowAxis, at: readonly Index[], inLanes: boolean): Seen {
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

function spreadTo(
  draft: KernelDraft,
  anchor: NodeOf<"windowSpread">,
  at: readonly Index[],
  along: AxisGroup | undefined,
): void {
  const { writer, evaluate } = draft;
  const sum = writer.variable(ZERO_VALUE);
  const axes = byAxis(anchor.window).map((w) => covering(writer, w, at, isAlong(w, along)));
  overSeen(writer, axes, at, (c, there) =>
    writer.assign(
      sum,
      plus(
        sum,
        evaluate.guard(
          there,
          () => evaluate.valueAt(anchor.inputs[0], c),
          () => ZERO_VALUE,
        ),
      ),
    ),
  );
  draft.storeAt(at, { type: "real", value: sum });
}

/** Whether windows lie apart: then which of them cover an element changes from lane to lane. */
const liesApart = (w: WindowAxis): boolean => w.stride > 1 && w.windows > 1;

/** Whether windows lie apart along the axis that is contiguous. */
function isPlaneWise({ window, shape }: NodeOf<"windowSpread">): boolean {
  const last = shape.findLastIndex((extent) => extent > 1);
  return window.some((w) => w.axis === last && liesApart(w));
}

/**
 * Clears a plane (the windowed axes of one element of the others) in lanes, adds the windows' values one after the other,
 * at their positions or all over, then stores the plane in lanes. A position may lie anywhere in the plane.
 */
function addPlanes(context: StepContext, anchor: NodeOf<"windowScatter" | "windowSpread">): LoweredKernel {
  const { shape } = anchor;
  const [y] = anchor.inputs;
  const window = byAxis(anchor.window);
  const extents = window.map((w) => w.extent);
  const elements = sizeOf(extents);
  const windowed = (axis: number): boolean => window.some((w) => w.axis === axis);
  const groups = joinAxes(
    context,
    shape,
    (a, b) => windowed(a) === windowed(b),
    (trial, at) => trial.storeAt(at, { type: "real", value: ZERO_VALUE }),
  );
  const outer = groups.filter(({ axes }) => !windowed(axes[0]));
  const planes = groups.filter(({ axes }) => windowed(axes[0]));
  const lanes = lanesFor(Math.max(...planes.map(({ extent }) => extent), 1), widestVector(context));
  const draft = context.open();
  const { writer, evaluate } = draft;
  const plane = writer.shared("accumulator", elements);
  const outerExtent = outer.reduce((product, { extent }) => product * extent, 1);
  const start = coordinatesOf(writer, outer, writer.parallel(outerExtent), shape.length);
  const lane = writer.team(lanes);
  overVectors(writer, elements, lanes, lane, (i) => writer.store(plane, i, ZERO_VALUE));
  loopOver(
    writer,
    window.map((w) => ({ axes: [w.axis], extent: w.windows })),
    start,
    (c) => {
      const value = writer.real(evaluate.valueAt(y, c));
      const addTo = (where: Index): void => writer.store(plane, where, plus(load(plane, where), value));
      if (anchor.op === "windowScatter") addTo(writer.integer(evaluate.indexAt(anchor.inputs[1], c)));
      else {
        const axes = window.map((w) => seenBy(writer, w, c, false));
        overSeen(writer, axes, c, (at) => addTo(positionOf(window, at)));
      }
    },
  );
  const last = planes.at(-1);
  loopOver(writer, planes.slice(0, -1), start, (at) => {
    const put = (c: readonly Index[]): void =>
      draft.storeAt(c, { type: "real", value: load(plane, positionOf(window, c)) });
    if (last) overVectors(writer, last.extent, lanes, lane, (i) => put(place(at, last, i)));
    else put(at);
  });
  const size = window.reduce((product, w) => product * w.size, 1);
  return draft.close(sizeOf(y.shape) * (anchor.op === "windowSpread" ? size : 1));
}

/** The coordinates of a position among groups of axes. */
function coordinatesOf(
  writer: KernelWriter,
  groups: readonly AxisGroup[],
  position: Index,
  rank: number,
): readonly Index[] {
  const parts = unflatten(
    position,
    groups.map(({ extent }) => extent),
  );
  return groups.reduce<readonly Index[]>(
    (at, group, i) => place(at, group, writer.integer(parts[i])),
    new Array<Index>(rank).fill(ZERO),
  );
}

/** Vectors over 0 … extent − 1, the last one maybe not full. */
export function overVectors(
  writer: KernelWriter,
  extent: number,
  lanes: number,
  lane: Index,
  body: (at: Index) => void,
): void {
  const whole = Math.floor(extent / lanes);
  writer.loop(0, whole, (turn) => body(add(mul(turn, lanes), lane)));
  const rest = extent - whole * lanes;
  if (rest === 0) return;
  const first = lane.kind === "var" ? variable(lane.variable, 0, rest - 1) : lane;
  writer.when(compare("lt", lane, int(rest)), () => body(addInt(first, whole * lanes)));
}

import { InternalError } from "../../proto/errors/index.js";
import { type Node, type NodeOf, sizeOf, type WindowAxis } from "../ir/graph.js";
import { LOWEST } from "../ir/real.js";
import { add, addInt, all, compare, int, mul, sub, variable, ZERO } from "../kernel/indices.js";
import type { Condition, Index, Typed, Value } from "../kernel/kernel.js";
import { constant, type KernelWriter, plus, ZERO_VALUE } from "../kernel/writer.js";
import { byAxis, firstOf, lowerWindow, positionOf } from "../lower/lower-window.js";
import { type AxisGroup, joinAxes } from "../lower/nest.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../lower/step.js";
import { chooseLanes, everyElement, type Inner, type LaneBody, widestVector } from "./lane-nest.js";
import { addPlanes } from "./lane-planes.js";
import { covering, isEverywhere, overSeen, seenBy } from "./window-elements.js";

type WindowNode = NodeOf<"windowMax" | "windowArgmax" | "windowScatter" | "windowSum" | "windowSpread">;

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
  inner: Inner,
): void {
  const ranges = axes.map((w) => ({ axis: w.axis, range: evenRange(anchor, w) }));
  if (ranges.some(({ range: [first, last] }) => first > last)) {
    inner(at, true);
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
    () => inner(known, true),
    () => inner(at, false),
  );
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

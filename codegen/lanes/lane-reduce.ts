import { InternalError } from "../../proto/errors/index.js";
import { type NodeOf, type ReduceKind, sizeOf } from "../ir/graph.js";
import {
  add,
  addInt,
  compare,
  div,
  int,
  min,
  mul,
  sub,
  unflatten,
  variable,
  ZERO,
} from "../kernel/indices.js";
import type { Condition, Index, Typed, Value } from "../kernel/kernel.js";
import { constant, type KernelWriter, load, plus, ZERO_VALUE } from "../kernel/writer.js";
import { lowerReduce, reduceGroups } from "../lower/lower-reduce.js";
import { type AxisGroup, loopOver, place } from "../lower/nest.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../lower/step.js";
import { chooseLanes, everyElement, type LaneChoice, parallelStart } from "./lane-nest.js";

/** Sums that run side by side: an addition need not wait for the one before. */
const SIDE_BY_SIDE = 4;
/** So many turns of a loop are summed by themselves: a sum of few terms loses little. */
const TURNS_A_BLOCK = 256;
/** A part of a reduction has at least so many elements: below, the second kernel costs more than it gains. */
const LEAST_PART = 16384;
/** Rows of fewer vectors are reduced as fast by one thread each. */
const LEAST_VECTORS = 4;

/**
 * Sum, greatest or first position of the greatest over axes, in lanes: along axes that stay where those are contiguous, else
 * along reduced ones, where what the lanes have found is brought together at the end, in a fixed order. Few long reductions
 * are cut into parts, by their shape alone, that a second kernel brings together.
 */
export function lowerLaneReduce(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "reduce") throw new InternalError(`lowerLaneReduce of ${anchor.op}`);
  const [x] = anchor.inputs;
  const { groups, isReduced } = reduceGroups(context, anchor);
  const choice = chooseLanes(context, groups, x.shape, (trial, at) =>
    trial.storeAt(
      at.map((c, axis) => (anchor.axes.includes(axis) ? ZERO : c)),
      { type: "real", value: trial.evaluate.valueAt(x, at) },
    ),
  );
  if (!choice) return lowerReduce(context);
  const across = isReduced(choice.group);
  if (across && choice.group.extent < LEAST_VECTORS * choice.lanes) return lowerReduce(context);
  const kept = groups.filter((group) => !isReduced(group));
  const reduced = groups.filter(isReduced);
  const rows = kept.reduce((product, { extent }) => product * extent, 1);
  const iterations = across ? rows : Math.ceil(rows / choice.lanes);
  const cut = reduced.find((group) => group !== choice.group) ?? reduced[0];
  const parts =
    anchor.kind === "argmax" || !cut
      ? 1
      : Math.min(
          Math.ceil(target.parallelIterations / iterations),
          Math.floor(sizeOf(x.shape) / iterations / LEAST_PART),
          Math.ceil(cut.extent / (cut === choice.group ? choice.lanes * SIDE_BY_SIDE : 1)),
        );
  const work: Reduction = { context, anchor, kept, reduced, choice, across };
  if (parts <= 1) return [reduceOnce(work)];
  return inParts(work, cut, parts);
}

interface Reduction {
  readonly context: StepContext;
  readonly anchor: NodeOf<"reduce">;
  readonly kept: readonly AxisGroup[];
  readonly reduced: readonly AxisGroup[];
  readonly choice: LaneChoice;
  /** Lanes lie along a reduced axis. */
  readonly across: boolean;
}

/** A stretch of a reduced group; absent: all of it. */
interface Stretch {
  readonly group: AxisGroup;
  readonly from: Index;
  readonly to: Index;
  /** Whether it ends with its group's last elements. */
  readonly last: Condition | boolean;
}

function reduceOnce({ context, anchor, kept, reduced, choice, across }: Reduction): LoweredKernel {
  const [x] = anchor.inputs;
  const draft = context.open();
  const { writer } = draft;
  if (across) {
    const start = parallelStart(writer, kept, x.shape.length);
    const lane = writer.team(choice.lanes);
    draft.storeAt(start, acrossLanes(draft, anchor, reduced, choice, lane, start));
  } else
    everyElement(draft, context.target, kept, x.shape.length, choice, (at) =>
      draft.storeAt(at, alongKept(draft, anchor, reduced, at)),
    );
  return draft.close(sizeOf(x.shape));
}

/** What has been found so far. */
interface Found {
  readonly value: Value & { readonly kind: "local" };
  readonly position?: Index & { readonly kind: "var" };
}

const nothing = (writer: KernelWriter, kind: ReduceKind): Found => ({
  value: writer.variable(kind === "sum" ? ZERO_VALUE : constant(-Infinity)),
  ...(kind === "argmax" ? { position: writer.counter(ZERO) } : {}),
});

/** Takes a further value into account; a position that comes first stays. */
function take(
  writer: KernelWriter,
  kind: ReduceKind,
  { value, position }: Found,
  next: Value,
  at: Index,
): void {
  if (kind === "sum") {
    writer.assign(value, plus(value, next));
    return;
  }
  const candidate = writer.real(next);
  writer.when({ kind: "compareValue", cmp: "gt", a: candidate, b: value }, () => {
    writer.assign(value, candidate);
    if (position) writer.assignIndex(position, at);
  });
}

const typed = ({ value, position }: Found): Typed =>
  position ? { type: "index", value: position } : { type: "real", value };

/** In each lane the reduction of an element that stays. */
function alongKept(
  { writer, evaluate }: KernelDraft,
  { kind, axes, inputs: [x] }: NodeOf<"reduce">,
  reduced: readonly AxisGroup[],
  at: readonly Index[],
  stretch?: Stretch,
): Typed {
  const total = nothing(writer, kind);
  const walk = (groups: readonly AxisGroup[], coordinates: readonly Index[], into: Found): void => {
    const [group, ...rest] = groups;
    if (!group) {
      take(writer, kind, into, evaluate.valueAt(x, coordinates), coordinates[axes[0]]);
      return;
    }
    const own = stretch?.group === group ? stretch : undefined;
    const [from, to] = own ? [own.from, own.to] : [ZERO, int(group.extent)];
    const step = (v: Index, found: Found): void => walk(rest, place(coordinates, group, v), found);
    if (kind !== "sum" || group.extent <= TURNS_A_BLOCK || own) {
      writer.loop(from, to, (v) => step(v, into));
      return;
    }
    writer.loop(
      from,
      to,
      (first) => {
        const block = nothing(writer, kind);
        writer.loop(first, writer.integer(min(addInt(first, TURNS_A_BLOCK), to)), (v) => step(v, block));
        take(writer, kind, into, block.value, ZERO);
      },
      TURNS_A_BLOCK,
    );
  };
  walk(reduced, at, total);
  return typed(total);
}

/** The reduction of one element that stays, by all lanes: the same result in each. */
function acrossLanes(
  { writer, evaluate }: KernelDraft,
  { kind, axes, inputs: [x] }: NodeOf<"reduce">,
  reduced: readonly AxisGroup[],
  { group, lanes }: LaneChoice,
  lane: Index,
  at: readonly Index[],
  stretch?: Stretch,
): Typed {
  const total = nothing(writer, kind);
  const own = stretch?.group === group ? stretch : undefined;
  const whole = int(Math.floor(group.extent / lanes));
  const [from, to] = own ? [own.from, own.to] : [ZERO, whole];
  const vector = (coordinates: readonly Index[], first: Index, into: Found): void => {
    const c = place(coordinates, group, first);
    take(writer, kind, into, evaluate.valueAt(x, c), c[axes[0]]);
  };
  const row = (coordinates: readonly Index[]): void => {
    // Whoever comes first wins: positions are looked for one vector after the other.
    const count = kind === "argmax" ? 1 : SIDE_BY_SIDE;
    const turns = TURNS_A_BLOCK * count;
    const block = (start: Index, end: Index): void => {
      const sums = Array.from({ length: count }, () => nothing(writer, kind));
      const even = addInt(end, 1 - count);
      writer.loop(
        start,
        even,
        (v) => {
          for (let i = 0; i < count; i++) vector(coordinates, add(mul(addInt(v, i), lanes), lane), sums[i]);
        },
        count,
      );
      if (count > 1) {
        const left = writer.integer(startOfRest(start, end, count));
        writer.loop(left, end, (v) => vector(coordinates, add(mul(v, lanes), lane), sums[0]));
      }
      for (const { value, position } of sums) take(writer, kind, total, value, position ?? ZERO);
    };
    if (kind === "argmax" || group.extent <= turns * lanes) block(from, to);
    else writer.loop(from, to, (v) => block(v, writer.integer(min(addInt(v, turns), to))), turns);
    const rest = group.extent % lanes;
    if (rest === 0) return;
    const first = lane.kind === "var" ? variable(lane.variable, 0, rest - 1) : lane;
    writer.when(own ? own.last : true, () =>
      writer.when(compare("lt", lane, int(rest)), () =>
        vector(coordinates, addInt(first, group.extent - rest), total),
      ),
    );
  };
  const others = reduced.filter((one) => one !== group);
  overStretch(writer, others, at, stretch, row);
  return broughtTogether(writer, kind, total, lanes, lane);
}

/** Where a loop in steps of `count` that ends at the last whole step leaves off. */
const startOfRest = (start: Index, end: Index, count: number): Index =>
  add(start, mul(div(sub(end, start), count), count));

function overStretch(
  writer: KernelWriter,
  groups: readonly AxisGroup[],
  at: readonly Index[],
  stretch: Stretch | undefined,
  body: (coordinates: readonly Index[]) => void,
): void {
  const [group, ...rest] = groups;
  if (!group || stretch?.group !== group) {
    loopOver(writer, groups, at, body);
    return;
  }
  writer.loop(stretch.from, stretch.to, (v) => loopOver(writer, rest, place(at, group, v), body));
}

/** What the lanes have found as one, the same in all of them. */
function broughtTogether(
  writer: KernelWriter,
  kind: ReduceKind,
  { value, position }: Found,
  lanes: number,
  lane: Index,
): Typed {
  const values = writer.shared("accumulator", lanes);
  writer.store(values, lane, value);
  const found = Array.from({ length: lanes }, (_, l) => writer.real(load(values, int(l))));
  if (kind === "sum") {
    let sums: readonly Value[] = found;
    while (sums.length > 1)
      sums = sums.slice(0, sums.length / 2).map((a, i) => plus(a, sums[i + sums.length / 2]));
    return { type: "real", value: sums[0] };
  }
  const best = nothing(writer, kind);
  if (!position || !best.position) {
    for (const one of found) take(writer, kind, best, one, ZERO);
    return typed(best);
  }
  const places = writer.shared("index", lanes);
  writer.storeIndex(places, lane, position);
  const first = best.position;
  found.forEach((one, l) => {
    const own = writer.integer({ kind: "iload", buffer: places, at: int(l) });
    take(writer, kind, best, one, own);
    // Of equals the first: another lane may have found it later in its own order, and earlier in that of positions.
    writer.when({ kind: "compareValue", cmp: "eq", a: one, b: best.value }, () =>
      writer.assignIndex(first, min(first, own)),
    );
  });
  return typed(best);
}

/** A kernel that leaves each part's result in the workspace, and one that brings those of each element together. */
function inParts(work: Reduction, cut: AxisGroup, wanted: number): readonly LoweredKernel[] {
  const { context, anchor, kept, reduced, choice, across } = work;
  const [x] = anchor.inputs;
  const { kind } = anchor;
  const rank = x.shape.length;
  const rows = sizeOf(anchor.shape);
  const note = describe(anchor, context.stores);
  const unit = cut === choice.group ? choice.lanes : 1;
  const extent = Math.floor(cut.extent / unit);
  const each = Math.ceil(extent / wanted);
  const parts = Math.ceil(extent / each);

  const first = context.open();
  const { writer } = first;
  const results = first.workspace(0, rows * parts);
  const stretchOf = (part: Index): Stretch => {
    const from = writer.integer(mul(part, each));
    return {
      group: cut,
      from,
      to: writer.integer(min(addInt(from, each), int(extent)), 0, extent),
      last: compare("eq", part, int(parts - 1)),
    };
  };
  // A part is one more axis, in front of all others.
  const partGroup: AxisGroup = { axes: [rank], extent: parts };
  const flat = (at: readonly Index[]): Index =>
    kept.reduce((sum, { axes, extent: own }) => add(mul(sum, own), at[axes.at(-1) ?? 0]), at[rank]);
  const put = (at: readonly Index[], result: Typed): void =>
    writer.store(results, flat(at), result.type === "real" ? result.value : ZERO_VALUE);
  if (across) {
    const at = parallelStart(writer, [partGroup, ...kept], rank + 1);
    const lane = writer.team(choice.lanes);
    put(at, acrossLanes(first, anchor, reduced, choice, lane, at.slice(0, rank), stretchOf(at[rank])));
  } else
    everyElement(first, context.target, [partGroup, ...kept], rank + 1, choice, (at) =>
      put(at, alongKept(first, anchor, reduced, at.slice(0, rank), stretchOf(at[rank]))),
    );

  const second = context.open();
  const found = second.workspace(0, rows * parts);
  const element = second.writer.parallel(rows);
  const all = nothing(second.writer, kind);
  second.writer.loop(0, parts, (part) =>
    take(second.writer, kind, all, load(found, add(mul(part, rows), element)), ZERO),
  );
  second.storeAt(unflatten(element, anchor.shape), typed(all));
  return [
    first.close(sizeOf(x.shape), `${note}, in ${parts} parts`),
    second.close(rows * parts, `${note}, of ${parts} parts`),
  ];
}

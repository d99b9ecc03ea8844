import type { Shape } from "../ir/graph.js";
import { primitive } from "../ir/ops/index.js";
import { isIndex } from "../kernel/children.js";
import { add, keyOf, mul, termsOf, unflatten, ZERO } from "../kernel/indices.js";
import type { Index, Statement } from "../kernel/kernel.js";
import { visit } from "../kernel/visit-forms.js";
import type { KernelWriter } from "../kernel/writer.js";
import type { KernelDraft, StepContext } from "./step.js";

/** Neighbouring axes walked as one loop: the last of them counts, the others stay at 0. */
export interface AxisGroup {
  readonly axes: readonly number[];
  readonly extent: number;
}

/**
 * Joins neighbouring axes wherever everything that a loop body addresses moves through them in one stride: an
 * element-wise map over equal shapes becomes one loop. `write` writes the body at coordinates; it is tried out in
 * kernels that are thrown away. Axes of extent 1 take no loop.
 */
export function joinAxes(
  context: StepContext,
  shape: Shape,
  joinable: (axis: number, next: number) => boolean,
  write: (draft: KernelDraft, coordinates: readonly Index[]) => void,
): readonly AxisGroup[] {
  const tryOut = (coordinatesOf: (variables: readonly Index[]) => readonly Index[]) => {
    const trial = context.open();
    const variables = shape.map((extent) => trial.writer.free(extent));
    trial.writer.parallel(1);
    write(trial, coordinatesOf(variables));
    return { variables, indices: indicesOf(trial.close(0).kernel.body) };
  };
  const apart = tryOut((variables) => variables.map((v, axis) => (shape[axis] === 1 ? ZERO : v)));
  const groups = groupAxes(shape, joinable, apart.variables, apart.indices);
  // What a view that moves coordinates does to a joined one is not what it does to each.
  const shifts = [context.anchor, ...context.computed].some(({ op }) => primitive(op).shifts);
  if (!shifts || groups.every(({ axes }) => axes.length === 1)) return groups;
  // A shift can leave its axis and come back: then the ends of the way move in one stride, and what lies between not.
  const joined = tryOut((variables) =>
    groups.reduce<readonly Index[]>(
      (coordinates, group) => place(coordinates, group, joinedCoordinate(group, variables, shape)),
      new Array<Index>(shape.length).fill(ZERO),
    ),
  );
  const same =
    joined.indices.length === apart.indices.length &&
    joined.indices.every((index, i) => keyOf(index) === keyOf(apart.indices[i]));
  return same ? groups : groupAxes(shape, () => false, apart.variables, apart.indices);
}

/** The coordinate of a group, of the variables of its axes. */
const joinedCoordinate = ({ axes }: AxisGroup, variables: readonly Index[], shape: Shape): Index =>
  axes.reduce((sum, axis) => add(mul(sum, shape[axis]), variables[axis]), ZERO);

/** The index expressions of a body, those that are a part of another one left out; what places its loads is not. */
function indicesOf(body: readonly Statement[]): readonly Index[] {
  const indices: Index[] = [];
  visit(body, (form, parent) => {
    const whole = parent === undefined || parent.kind === "iload" || !isIndex(parent);
    if (isIndex(form) && whole) indices.push(form);
  });
  return indices;
}

function groupAxes(
  shape: Shape,
  joinable: (axis: number, next: number) => boolean,
  variables: readonly Index[],
  indices: readonly Index[],
): readonly AxisGroup[] {
  const live = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  const groups: { axes: number[]; extent: number }[] = [];
  for (const axis of live) {
    const last = groups.at(-1);
    const previous = last?.axes.at(-1);
    if (
      last &&
      previous !== undefined &&
      joinable(previous, axis) &&
      indices.every((index) => oneStride(index, variables[previous], variables[axis], shape[axis]))
    ) {
      last.axes.push(axis);
      last.extent *= shape[axis];
    } else groups.push({ axes: [axis], extent: shape[axis] });
  }
  return groups;
}

/** Whether an index moves along `outer` by `extent` times what it moves along `inner`, and in no other way. */
function oneStride(index: Index, outer: Index, inner: Index, extent: number): boolean {
  const { terms } = termsOf(index);
  let outerFactor = 0;
  let innerFactor = 0;
  for (const { atom, factor } of terms) {
    if (atom === outer) outerFactor = factor;
    else if (atom === inner) innerFactor = factor;
    else if (atom.kind !== "var" && (mentions(atom, outer) || mentions(atom, inner))) return false;
  }
  return outerFactor === innerFactor * extent;
}

/** What is made of a real value may be made of anything. */
function mentions(index: Index, wanted: Index): boolean {
  let found = false;
  visit(index, (form) => {
    found ||= form === wanted || form.kind === "truncate";
    return !found;
  });
  return found;
}

/** Loops over groups; hands the body one coordinate per axis of the shape. */
export function loopOver(
  writer: KernelWriter,
  groups: readonly AxisGroup[],
  coordinates: readonly Index[],
  body: (coordinates: readonly Index[]) => void,
): void {
  const [group, ...rest] = groups;
  if (!group) {
    body(coordinates);
    return;
  }
  writer.loop(0, group.extent, (v) => {
    loopOver(writer, rest, place(coordinates, group, v), body);
  });
}

/** The same with the first groups as the parallel loop: as many as it takes to give it `wanted` iterations. */
export function parallelOver(
  writer: KernelWriter,
  wanted: number,
  groups: readonly AxisGroup[],
  rank: number,
  body: (coordinates: readonly Index[]) => void,
): void {
  let taken = 0;
  let extent = 1;
  while (taken < groups.length && (taken === 0 || extent < wanted)) {
    extent *= groups[taken].extent;
    taken++;
  }
  const outer = groups.slice(0, taken);
  const p = writer.parallel(extent);
  let coordinates: readonly Index[] = new Array<Index>(rank).fill(ZERO);
  unflatten(
    p,
    outer.map((group) => group.extent),
  ).forEach((c, i) => {
    coordinates = place(coordinates, outer[i], taken > 1 ? writer.integer(c, 0, outer[i].extent - 1) : c);
  });
  loopOver(writer, groups.slice(taken), coordinates, body);
}

/** The coordinates with another one along a group. */
export const place = (coordinates: readonly Index[], group: AxisGroup, v: Index): readonly Index[] =>
  coordinates.map((c, axis) => (axis === group.axes.at(-1) ? v : c));

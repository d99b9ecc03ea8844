import type { Shape } from "../src/ir/graph.js";
import { termsOf, unflatten, ZERO } from "./indices.js";
import type { Condition, Index, Statement, Value } from "./kernel.js";
import type { TargetDescription } from "./target.js";
import type { KernelWriter } from "./writer.js";

/** Neighbouring axes walked as one loop: the last of them counts, the others stay at 0. */
export interface AxisGroup {
  readonly axes: readonly number[];
  readonly extent: number;
}

/**
 * Joins neighbouring axes wherever everything that a loop body addresses moves through them in one stride:
 * an element-wise map over equal shapes becomes one loop. `body` is written once with a variable per axis, for
 * its index expressions only. Axes of extent 1 take no loop.
 */
export function groupAxes(
  shape: Shape,
  joinable: (axis: number, next: number) => boolean,
  variables: readonly Index[],
  body: readonly Statement[],
): readonly AxisGroup[] {
  const live = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  const indices = indicesIn(body);
  const groups: { axes: number[]; extent: number }[] = [];
  for (const axis of live) {
    const last = groups.at(-1);
    const previous = last?.axes.at(-1);
    if (
      last &&
      previous !== undefined &&
      joinable(previous, axis) &&
      indices.every((index) => oneStride(index, variables[previous]!, variables[axis]!, shape[axis]!))
    ) {
      last.axes.push(axis);
      last.extent *= shape[axis]!;
    } else groups.push({ axes: [axis], extent: shape[axis]! });
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

function mentions(index: Index, wanted: Index): boolean {
  switch (index.kind) {
    case "int":
      return false;
    case "var":
      return index === wanted;
    case "iload":
      return mentions(index.at, wanted);
    case "truncate":
      return indicesOfValue(index.value).some((inner) => mentions(inner, wanted));
    default:
      return mentions(index.a, wanted) || mentions(index.b, wanted);
  }
}

/** Every outermost index expression in statements, and those inside loads of indices. */
function indicesIn(statements: readonly Statement[]): readonly Index[] {
  const found: Index[] = [];
  const ofTyped = (typed: { type: "real"; value: Value } | { type: "index"; value: Index }): void => {
    if (typed.type === "real") found.push(...indicesOfValue(typed.value));
    else found.push(typed.value, ...loadsIn(typed.value));
  };
  for (const statement of statements) {
    switch (statement.kind) {
      case "for":
        found.push(statement.from, statement.to, ...indicesIn(statement.body));
        break;
      case "declare":
      case "assign":
        ofTyped(statement);
        break;
      case "store":
        found.push(statement.at);
        ofTyped(statement);
        break;
      case "if":
        found.push(...indicesOfCondition(statement.condition));
        found.push(...indicesIn(statement.then), ...indicesIn(statement.otherwise));
        break;
      default:
        statement satisfies never;
    }
  }
  return found;
}

function loadsIn(index: Index): readonly Index[] {
  return termsOf(index).terms.flatMap(({ atom }) => {
    switch (atom.kind) {
      case "iload":
        return [atom.at, ...loadsIn(atom.at)];
      case "truncate":
        return indicesOfValue(atom.value);
      case "int":
      case "var":
        return [];
      default:
        return [...loadsIn(atom.a), ...loadsIn(atom.b)];
    }
  });
}

function indicesOfCondition(condition: Condition): readonly Index[] {
  switch (condition.kind) {
    case "compare":
      return [condition.a, condition.b];
    case "compareValue":
      return [...indicesOfValue(condition.a), ...indicesOfValue(condition.b)];
    case "and":
      return condition.all.flatMap(indicesOfCondition);
    default:
      return condition satisfies never;
  }
}

function indicesOfValue(value: Value): readonly Index[] {
  switch (value.kind) {
    case "const":
    case "local":
      return [];
    case "load":
      return [value.at, ...loadsIn(value.at)];
    case "fromIndex":
      return [value.index, ...loadsIn(value.index)];
    case "unary":
    case "shaped":
      return indicesOfValue(value.x);
    case "binary":
      return [...indicesOfValue(value.a), ...indicesOfValue(value.b)];
    case "select":
      return [value.left, value.right, value.then, value.otherwise].flatMap(indicesOfValue);
    case "guard":
      return [
        ...indicesOfCondition(value.condition),
        ...indicesOfValue(value.then),
        ...indicesOfValue(value.otherwise),
      ];
    case "random":
      return [...indicesOfValue(value.step), value.element];
    default:
      return value satisfies never;
  }
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

/**
 * The same with the first groups as the parallel loop: as many as give it enough iterations, but the last
 * stays a loop of its own where the others already do.
 */
export function parallelOver(
  writer: KernelWriter,
  target: TargetDescription,
  groups: readonly AxisGroup[],
  rank: number,
  body: (coordinates: readonly Index[]) => void,
): void {
  let taken = 0;
  let extent = 1;
  while (taken < groups.length && (taken === 0 || extent < target.parallelIterations)) {
    extent *= groups[taken]!.extent;
    taken++;
  }
  const outer = groups.slice(0, taken);
  const p = writer.parallel(extent);
  let coordinates: readonly Index[] = new Array<Index>(rank).fill(ZERO);
  unflatten(p, outer.map((group) => group.extent)).forEach((c, i) => {
    coordinates = place(coordinates, outer[i]!, taken > 1 ? writer.integer(c, 0, outer[i]!.extent - 1) : c);
  });
  loopOver(writer, groups.slice(taken), coordinates, body);
}

const place = (coordinates: readonly Index[], group: AxisGroup, v: Index): readonly Index[] =>
  coordinates.map((c, axis) => (axis === group.axes.at(-1) ? v : c));

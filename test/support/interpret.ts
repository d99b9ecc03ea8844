import type { Graph, Node, NodeOf, Shape, WindowAxis } from "../../codegen/ir/graph.js";
import { sizeOf } from "../../codegen/ir/graph.js";
import { evaluateScalar } from "../../codegen/ir/scalar.js";
import { philox4x32, splitWords } from "../../runtime/random/index.js";

/** What a graph's leaves are worth. Every array is row-major. */
export interface Bindings {
  /** By name. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
  /** By index. */
  readonly params: ReadonlyMap<number, Float64Array>;
  /** Value of the step counter that `random` reads, where `inputs` does not name it. Default 0. */
  readonly step?: number;
  /** Key of the random streams. Default 1. */
  readonly seed?: number;
}

/**
 * The meaning of a graph, element by element in float64 and in the plainest way: the oracle of the tests of
 * planner, code generation and derivative. Everything that `wanted` (a graph's roots, or any nodes) depends on is
 * evaluated; the result gives any of those nodes' values. Slow: for small graphs.
 */
export function interpret(wanted: Graph | readonly Node[], bindings: Bindings): (node: Node) => Float64Array {
  const nodes = reachable("roots" in wanted ? wanted.roots.map((root) => root.node) : wanted);
  const steps = new Set(nodes.flatMap((node) => (node.op === "random" ? node.inputs : [])));
  const values = new Map<Node, Float64Array>();
  const valueAt = (node: Node): Float64Array => {
    const value = values.get(node);
    if (!value) throw new Error(`%${node.id} (${node.op}) was not evaluated`);
    return value;
  };
  for (const node of nodes) {
    const isStep = steps.has(node) && node.op === "input" && !bindings.inputs.has(node.name);
    const value = isStep
      ? Float64Array.of(bindings.step ?? 0)
      : evaluate(node, node.inputs.map(valueAt), bindings);
    if (value.length !== sizeOf(node.shape))
      throw new Error(`%${node.id} (${node.op}): ${value.length} elements`);
    values.set(node, value);
  }
  return valueAt;
}

function reachable(wanted: readonly Node[]): readonly Node[] {
  const seen = new Set<Node>();
  const pending = [...wanted];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    pending.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** The coordinates of the element at a flat index. */
export function coordinates(shape: Shape, index: number): number[] {
  const at = new Array<number>(shape.length);
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return at;
}

/** The flat index of an element; a coordinate along an axis of extent 1 counts as 0 (broadcast). */
export function flatIndex(shape: Shape, at: readonly number[]): number {
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++)
    index = index * shape[axis] + (shape[axis] === 1 ? 0 : at[axis]);
  return index;
}

/** An array whose element at each coordinate is `value(coordinates)`. */
function fill(shape: Shape, value: (at: number[], index: number) => number): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = value(coordinates(shape, i), i);
  return out;
}

/** `values` with one coordinate changed. */
const changed = (at: readonly number[], axis: number, value: number): number[] =>
  at.map((old, i) => (i === axis ? value : old));

function evaluate(node: Node, inputs: readonly Float64Array[], bindings: Bindings): Float64Array {
  const { shape } = node;
  const [x, y] = inputs;
  const [xShape, yShape] = node.inputs.map((input) => input.shape);
  switch (node.op) {
    case "input":
      return bound(bindings.inputs.get(node.name), `input ${JSON.stringify(node.name)}`);
    case "param":
      return bound(bindings.params.get(node.index), `parameter ${node.index}`);
    case "constant":
      return new Float64Array(sizeOf(shape)).fill(node.value);
    case "map":
      return fill(shape, (at) => {
        const operands = inputs.map((values, i) => values[flatIndex(node.inputs[i].shape, at)]);
        const value = evaluateScalar(node.expr, operands, at);
        return node.dtype === "index" ? Math.trunc(value) : value;
      });
    case "reduce":
      return reduce(node, x);
    case "matmul": {
      const depth = node.transA ? xShape[1] : xShape[2];
      return fill(shape, ([batch, row, column]) => {
        let sum = 0;
        for (let k = 0; k < depth; k++) {
          const a = x[flatIndex(xShape, node.transA ? [batch, k, row] : [batch, row, k])];
          const b = y[flatIndex(yShape, node.transB ? [batch, column, k] : [batch, k, column])];
          sum += a * b;
        }
        return sum;
      });
    }
    case "conv": {
      const out = new Float64Array(sizeOf(shape));
      forEachTap(node.geometry, xShape, yShape, shape, (i, k, o) => {
        out[o] += (i === OUTSIDE ? 0 : x[i]) * y[k];
      });
      return out;
    }
    case "convData": {
      const out = new Float64Array(sizeOf(shape));
      forEachTap(node.geometry, shape, yShape, xShape, (i, k, o) => {
        if (i !== OUTSIDE) out[i] += x[o] * y[k];
      });
      return out;
    }
    case "convFilter": {
      const out = new Float64Array(sizeOf(shape));
      forEachTap(node.geometry, xShape, shape, yShape, (i, k, o) => {
        out[k] += (i === OUTSIDE ? 0 : x[i]) * y[o];
      });
      return out;
    }
    case "windowMax":
      return fill(shape, (at) => firstGreatest(x, inWindow(node.window, xShape, at), LOWEST).value);
    case "windowArgmax":
      return fill(shape, (at) => {
        const greatest = coordinates(xShape, firstGreatest(x, inWindow(node.window, xShape, at), LOWEST).at);
        const axes = windowedAxes(node.window);
        return flatIndex(
          axes.map((axis) => xShape[axis]),
          axes.map((axis) => greatest[axis]),
        );
      });
    case "windowScatter": {
      const out = new Float64Array(sizeOf(shape));
      for (let i = 0; i < x.length; i++) {
        out[picked(node.window, shape, coordinates(xShape, i), y[i])] += x[i];
      }
      return out;
    }
    case "windowPick":
      return fill(shape, (at, i) => x[picked(node.window, xShape, at, y[i])]);
    case "windowSum":
      return fill(shape, (at) => inWindow(node.window, xShape, at).reduce((sum, i) => sum + x[i], 0));
    case "windowSpread": {
      const out = new Float64Array(sizeOf(shape));
      for (let i = 0; i < x.length; i++) {
        for (const target of inWindow(node.window, shape, coordinates(xShape, i))) out[target] += x[i];
      }
      return out;
    }
    case "gather":
      return fill(shape, ([row, ...rest]) => x[flatIndex(xShape, [position(y[row], xShape[0]), ...rest])]);
    case "scatter": {
      const out = new Float64Array(sizeOf(shape));
      for (let i = 0; i < x.length; i++) {
        const [row, ...rest] = coordinates(xShape, i);
        out[flatIndex(shape, [position(y[row], shape[0]), ...rest])] += x[i];
      }
      return out;
    }
    case "reshape":
    case "blob":
    case "stop":
    case "instead":
      return x;
    case "transpose":
      return fill(shape, (at) => {
        const from = new Array<number>(at.length);
        node.perm.forEach((axis, i) => {
          from[axis] = at[i];
        });
        return x[flatIndex(xShape, from)];
      });
    case "slice":
      return fill(shape, (at) => x[flatIndex(xShape, changed(at, node.axis, at[node.axis] + node.start))]);
    case "concat":
      return fill(shape, (at) => {
        let offset = at[node.axis];
        let part = 0;
        while (offset >= node.inputs[part].shape[node.axis]) offset -= node.inputs[part++].shape[node.axis];
        return inputs[part][flatIndex(node.inputs[part].shape, changed(at, node.axis, offset))];
      });
    case "pad":
      return fill(shape, (at) => {
        const from = at[node.axis] - node.before;
        return from < 0 || from >= xShape[node.axis] ? 0 : x[flatIndex(xShape, changed(at, node.axis, from))];
      });
    case "random":
      return fill(shape, (_, element) => uniform(bindings.seed ?? 1, node.stream, x[0], element));
    default:
      return node satisfies never;
  }
}

function bound(value: Float64Array | undefined, what: string): Float64Array {
  if (!value) throw new Error(`no value is bound to ${what}`);
  return value;
}

function position(value: number, extent: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= extent)
    throw new Error(`position ${value} of ${extent}`);
  return value;
}

/** The least finite float32. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/**
 * Of the elements at `indices` that are greater than `least` (NaN is not), the first that no other exceeds; of none,
 * `least`, at the first of all.
 */
function firstGreatest(
  x: Float64Array,
  indices: readonly number[],
  least = Number.NEGATIVE_INFINITY,
): { readonly at: number; readonly value: number } {
  if (indices.length === 0) throw new Error("the greatest of nothing");
  let [at, value] = [indices[0], least];
  for (const i of indices) if (x[i] > value) [at, value] = [i, x[i]];
  return { at, value };
}

function reduce(node: NodeOf<"reduce">, x: Float64Array): Float64Array {
  const xShape = node.inputs[0].shape;
  const members: number[][] = Array.from({ length: sizeOf(node.shape) }, () => []);
  for (let i = 0; i < x.length; i++) members[flatIndex(node.shape, coordinates(xShape, i))].push(i);
  const combine = (indices: readonly number[]): number => {
    switch (node.kind) {
      case "sum":
        return indices.reduce((sum, i) => sum + x[i], 0);
      case "max":
        return firstGreatest(x, indices).value;
      case "argmax":
        return coordinates(xShape, firstGreatest(x, indices).at)[node.axes[0]];
      default:
        return node.kind satisfies never;
    }
  };
  return Float64Array.from(members, combine);
}

/** Where a tap of a convolution lies in the padding: zeros, which are multiplied. */
const OUTSIDE = -1;

/** Calls back with the flat indices (into x, w, y) of every product of a convolution. */
function forEachTap(
  geometry: NodeOf<"conv">["geometry"],
  x: Shape,
  w: Shape,
  y: Shape,
  tap: (xAt: number, wAt: number, yAt: number) => void,
): void {
  const outPerGroup = w[0] / geometry.groups;
  const kernel = w.slice(2);
  for (let yAt = 0; yAt < sizeOf(y); yAt++) {
    const [image, output, ...place] = coordinates(y, yAt);
    const group = Math.floor(output / outPerGroup);
    for (let channel = 0; channel < w[1]; channel++) {
      for (let k = 0; k < sizeOf(kernel); k++) {
        const offset = coordinates(kernel, k);
        const from = geometry.spatial.map((s, i) => place[i] * s.stride - s.pad + offset[i] * s.dilation);
        const outside = from.some((at, i) => at < 0 || at >= geometry.spatial[i].input);
        tap(
          outside ? OUTSIDE : flatIndex(x, [image, group * w[1] + channel, ...from]),
          flatIndex(w, [output, channel, ...offset]),
          yAt,
        );
      }
    }
  }
}

const windowedAxes = (window: readonly WindowAxis[]): number[] =>
  window.map((w) => w.axis).sort((a, b) => a - b);

/** The flat indices, row-major, of a plain tensor's elements in the clipped window at `at`. */
function inWindow(window: readonly WindowAxis[], plain: Shape, at: readonly number[]): number[] {
  let places: number[][] = [[...at]];
  for (const axis of windowedAxes(window)) {
    const { size, stride, pad, extent } = window.find((w) => w.axis === axis)!;
    const first = Math.max(0, at[axis] * stride - pad);
    const end = Math.min(extent, at[axis] * stride - pad + size);
    places = places.flatMap((place) =>
      Array.from({ length: Math.max(0, end - first) }, (_, i) => changed(place, axis, first + i)),
    );
  }
  return places.map((place) => flatIndex(plain, place));
}

/** The flat index, in the plain tensor, of the position that the window at `at` names. */
function picked(window: readonly WindowAxis[], plain: Shape, at: readonly number[], where: number): number {
  const axes = windowedAxes(window);
  const extents = axes.map((axis) => plain[axis]);
  const inside = coordinates(extents, position(where, sizeOf(extents)));
  return flatIndex(
    plain,
    at.map((old, axis) => (axes.includes(axis) ? inside[axes.indexOf(axis)] : old)),
  );
}

/**
 * The uniform number of (seed, stream, step, element): word `element mod 4` of the Philox block whose counter is
 * (floor(element / 4), step, stream low, stream high) and whose key is the seed; its upper 24 bits over 2^24.
 */
export function uniform(seed: number, stream: number, step: number, element: number): number {
  const block = new Uint32Array(4);
  philox4x32(block, 0, Math.floor(element / 4), step, ...splitWords(stream), ...splitWords(seed));
  return (block[element % 4] >>> 8) * 2 ** -24;
}

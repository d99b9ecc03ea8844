import fc from "fast-check";
import { type Graph, type Node, nodesOf, sizeOf } from "../../codegen/ir/graph.js";
import type { Bindings } from "./interpret.js";

/** Pseudo-random multiples of 1/64 in [−2, 2): exact in float32, and so are their products. */
export function randomValues(seed: number, count: number): Float64Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) / 64 - 2;
  });
}

/**
 * Values for all leaves of a graph. Index inputs get positions below `rows(name)`.
 */
export function bindLeaves(graph: Graph, seed: number, rows: (name: string) => number = () => 1): Bindings {
  const inputs = new Map<string, Float64Array>();
  const params = new Map<number, Float64Array>();
  const draw = (node: Node, rank: number): Float64Array => randomValues(seed + rank, sizeOf(node.shape));
  nodesOf(graph).forEach((node, rank) => {
    if (node.op === "param") params.set(node.index, draw(node, rank));
    if (node.op !== "input") return;
    const values = draw(node, rank);
    inputs.set(
      node.name,
      node.dtype === "index"
        ? values.map((value) => Math.floor(((value + 2) / 4) * rows(node.name)))
        : values,
    );
  });
  return { inputs, params, step: 3, seed };
}

/** A value that is not ordinary, or none. */
export const odd = fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

/** With such a value somewhere in every leaf of real values. */
export function withOdd<B extends Bindings & { readonly seed: number }>(
  bindings: B,
  value: number | undefined,
  inParams = true,
): B {
  if (value === undefined) return bindings;
  const placed = (values: Float64Array): Float64Array => {
    const at = bindings.seed % values.length;
    return values.map((usual, i) => (i === at ? value : usual));
  };
  const isPosition = (name: string): boolean => name === "positions" || name === "rows";
  return {
    ...bindings,
    inputs: new Map([...bindings.inputs].map(([name, x]) => [name, isPosition(name) ? x : placed(x)])),
    params: new Map([...bindings.params].map(([index, x]) => [index, inParams ? placed(x) : x])),
  };
}

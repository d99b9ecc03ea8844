import { type Node, sameShape } from "../../codegen/ir/graph.js";
import { graphKey } from "../../codegen/ir/key.js";
import type { Initializer, OnnxGraph, OnnxNode, Value } from "../../codegen/onnx/onnx-graph.js";
import type { Extent } from "./onnx-message.js";

/** The name of the extent that changes. */
export const BATCH = "batch";

/** How many times the batch an open extent is. */
export const timesIn = (extent: string): number => Number(extent.split("*")[1] ?? 1);

/** A graph for any batch, or the layer that holds it to the one that it was made for. */
export type Changing =
  | { readonly graph: OnnxGraph; readonly extentsOf: (value: Value) => readonly Extent[] }
  | { readonly fixedBy: string };

/** An extent of both graphs as one: a number, or as many times the batch. */
function extentOf(
  one: number,
  other: number,
  [rows, otherRows]: readonly [number, number],
): Extent | undefined {
  if (one === other) return one;
  const times = one / rows;
  if (!Number.isInteger(times) || other !== times * otherRows) return undefined;
  return times === 1 ? BATCH : `${BATCH}*${times}`;
}

class FixedBy extends Error {
  constructor(readonly layer: string) {
    super(layer);
  }
}

/**
 * One graph from two, of the same net with two batches: all that is the same stays, extents that go with the batch become
 * symbols, and shapes that are constants leave the one extent that does to the reader (−1).
 */
export function withChangingBatch(
  one: OnnxGraph,
  other: OnnxGraph,
  rows: readonly [number, number],
): Changing {
  try {
    return join(one, other, rows);
  } catch (error) {
    if (error instanceof FixedBy) return { fixedBy: error.layer };
    throw error;
  }
}

function join(one: OnnxGraph, other: OnnxGraph, rows: readonly [number, number]): Changing {
  const constants = new Map(one.initializers.map((initializer) => [initializer.value, initializer]));
  const others = new Map(other.initializers.map((initializer) => [initializer.value, initializer]));
  const extents = new Map<Value, readonly Extent[]>();
  const kept = new Set<Initializer>();
  const shapes = new Map<string, Initializer>();

  const note = (value: Value, twin: Value, layer: string): void => {
    if (value.shape.length !== twin.shape.length) throw new FixedBy(layer);
    const found = value.shape.map((extent, axis) => extentOf(extent, twin.shape[axis], rows));
    if (!found.every((extent) => extent !== undefined)) throw new FixedBy(layer);
    extents.set(value, found);
  };
  /** What stands in a node's place for an input that is a constant of the graph. */
  const constantFor = (
    own: Initializer,
    twin: Initializer | undefined,
    { op, layer }: OnnxNode,
    at: number,
  ): Value => {
    if (twin && isSame(own, twin)) {
      kept.add(own);
      return own.value;
    }
    const open = op === "Reshape" && at === 1 && twin ? openShape(own, twin, rows) : undefined;
    if (!open) throw new FixedBy(layer);
    const key = String(open);
    const made = shapes.get(key) ?? {
      value: { type: "int64", shape: [open.length], layer } as const,
      data: BigInt64Array.from(open, BigInt),
    };
    shapes.set(key, made);
    return made.value;
  };

  for (const [i, { value }] of one.inputs.entries()) note(value, other.inputs[i].value, "");
  if (one.nodes.length !== other.nodes.length) throw new FixedBy(firstDifference(one, other));
  const nodes = one.nodes.map((node, i): OnnxNode => {
    const twin = other.nodes[i];
    const same =
      node.op === twin.op &&
      node.inputs.length === twin.inputs.length &&
      JSON.stringify(node.attributes) === JSON.stringify(twin.attributes);
    if (!same) throw new FixedBy(node.layer);
    for (const [output, value] of node.outputs.entries()) note(value, twin.outputs[output], node.layer);
    const inputs = node.inputs.map((value, at) => {
      const own = value && constants.get(value);
      const read = twin.inputs[at];
      return own ? constantFor(own, read && others.get(read), node, at) : value;
    });
    return { ...node, inputs };
  });
  const initializers = [
    ...one.initializers.filter((initializer) => kept.has(initializer)),
    ...shapes.values(),
  ];
  return {
    graph: { ...one, nodes, initializers },
    extentsOf: (value) => extents.get(value) ?? value.shape,
  };
}

const keyOf = (node: Node): string => graphKey({ roots: [{ role: "prepared", node }] });

/** Whether two constants are the same: numbers, or the same computation of the same parameters. */
function isSame(own: Initializer, twin: Initializer): boolean {
  const [a, b] = [own.data, twin.data];
  if (!sameShape(own.value.shape, twin.value.shape)) return false;
  if ("node" in a || "node" in b) return "node" in a && "node" in b && keyOf(a.node) === keyOf(b.node);
  return a.length === b.length && a.every((value: number | bigint, i: number) => Object.is(value, b[i]));
}

/** A shape with −1 where it goes with the batch, if that is at one place. */
function openShape(
  own: Initializer,
  twin: Initializer,
  rows: readonly [number, number],
): readonly number[] | undefined {
  const [a, b] = [own.data, twin.data];
  if ("node" in a || "node" in b || a.length !== b.length) return undefined;
  const open = Array.from(a, Number).map((extent, i) => {
    const joined = extentOf(extent, Number(b[i]), rows);
    return typeof joined === "string" ? -1 : joined;
  });
  if (open.filter((extent) => extent === -1).length !== 1) return undefined;
  return open.every((extent) => extent !== undefined) ? open : undefined;
}

/** The layer of the first node that is another one in the other graph. */
function firstDifference(one: OnnxGraph, other: OnnxGraph): string {
  const at = one.nodes.findIndex((node, i) => node.op !== other.nodes[i]?.op);
  return (one.nodes[at] ?? other.nodes[one.nodes.length]).layer;
}

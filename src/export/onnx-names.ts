import type { OnnxGraph, OnnxNode, Value } from "../../codegen/onnx/onnx-graph.js";
import { visible } from "../../proto/words/names.js";

/** The names of a file's values and nodes: each is there once. */
export interface OnnxNames {
  of(value: Value): string;
  ofNode(node: OnnxNode): string;
}

/** A name as readers of ONNX take it: not empty, and nothing in it that is hidden or looks like an end. */
const safe = (name: string): string => visible(name).replaceAll(" ", "_") || "_";

/** Gives each its own: the name that is wanted, or that with a number behind it. */
function distinct(): (wanted: string) => string {
  const taken = new Set<string>();
  return (wanted) => {
    let name = safe(wanted);
    for (let number = 2; taken.has(name); number++) name = `${safe(wanted)}_${number}`;
    taken.add(name);
    return name;
  };
}

/** Values are named after blobs and parameters, nodes after layers: people look for them by those. */
export function onnxNames({ nodes, initializers, inputs, outputs }: OnnxGraph): OnnxNames {
  const names = new Map<Value, string>();
  const nodeNames = new Map<OnnxNode, string>();
  const nameOf = distinct();
  const name = (value: Value, wanted: string): void => {
    if (!names.has(value)) names.set(value, nameOf(wanted));
  };
  const made = nodes.flatMap((node) => node.outputs.map((value) => ({ node, value })));
  // What callers write comes first, then what they look for.
  for (const { value, name: wanted } of [...inputs, ...outputs]) name(value, wanted);
  const all = [...initializers.map(({ value }) => value), ...made.map(({ value }) => value)];
  for (const value of all) if (value.wanted !== undefined) name(value, value.wanted);
  for (const { node, value } of made) name(value, `${node.layer}:${node.op}`);
  for (const { value, data } of initializers)
    name(value, "node" in data ? `${value.layer}:constant` : "constant");

  const nameOfNode = distinct();
  const ofLayer = new Map<string, number>();
  for (const { layer } of nodes) ofLayer.set(layer, (ofLayer.get(layer) ?? 0) + 1);
  for (const node of nodes)
    nodeNames.set(node, nameOfNode(ofLayer.get(node.layer) === 1 ? node.layer : `${node.layer}/${node.op}`));
  return {
    of: (value) => names.get(value) ?? "",
    ofNode: (node) => nodeNames.get(node) ?? "",
  };
}

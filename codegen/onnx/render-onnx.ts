import { InternalError } from "../../proto/errors/index.js";
import { present } from "../../proto/errors/present.js";
import type { GraphBuilder } from "../ir/builder.js";
import { type Graph, type Node, type NodeOf, nodesOf } from "../ir/graph.js";
import { createGraphDraft, filled, type GraphDraft } from "./graph-writer.js";
import type { Obstacle, OnnxGraph, Value } from "./onnx-graph.js";
import { type PrimitiveContext, readPrimitive, typeOf } from "./primitive-nodes.js";
import type { Reading } from "./product-nodes.js";
import { quantisationIn } from "./quantisation.js";
import { writeLevels } from "./quantisation-nodes.js";
import { recognise } from "./recognise.js";
import { cast } from "./scalar-nodes.js";
import { sharing, steadiness, wantedOf } from "./value-readers.js";
import { searchKey } from "./window-nodes.js";

/** What a graph is written as. */
export interface OnnxOptions {
  /** The version of ONNX's operators. */
  readonly opset: number;
  /** The roots that are the file's outputs, by their place among the graph's, and their names. */
  readonly outputs: ReadonlyMap<number, string>;
  /** The roots that only give a name to their values, where those are there. */
  readonly names: ReadonlyMap<number, string>;
  /** Of an input of the graph. */
  readonly inputName: (input: string) => string;
  /** Of a parameter. */
  readonly paramName: (index: number) => string;
  /** Parameters that the caller may give: inputs whose values in the file are those that they have where nobody does. */
  readonly givenParams?: ReadonlySet<number>;
}

/** The searches of whose windows somebody wants the position (`searchKey`). */
const positionsIn = (graph: Graph, outputs: ReadonlySet<number>): ReadonlySet<string> =>
  new Set(
    nodesOf(wantedOf(graph, outputs)).flatMap((node) =>
      node.op === "windowArgmax" ? [searchKey(node)] : [],
    ),
  );

/** The parameter that a node is, in another shape at most. */
export const parameterIn = (node: Node): NodeOf<"param"> | undefined => {
  const from = node.op === "reshape" ? node.inputs[0] : node;
  return from.op === "param" ? from : undefined;
};

/**
 * A graph as ONNX's operators: those that are known under a name of their own are recognised, all else is said in plain ones.
 * What depends on parameters alone is a constant of the file.
 *
 * @param graph one that the passes of all targets have gone over: no markers are left, nor what need not be computed
 * @returns the graph, and what could not be said: the graph is of no use then
 */
export function renderOnnx(
  graph: Graph,
  builder: GraphBuilder,
  options: OnnxOptions,
): { readonly graph: OnnxGraph; readonly obstacles: readonly Obstacle[] } {
  const outputs = new Set(options.outputs.keys());
  const positions = positionsIn(graph, outputs);
  const draft = createGraphDraft({
    builder,
    opset: options.opset,
    isShared: sharing(graph, outputs),
    isSteady: steadiness(options.givenParams),
  });
  const context: PrimitiveContext = {
    writer: draft,
    searched: new Map(),
    wantsPosition: (node) => positions.has(searchKey(node)),
  };
  const values = new Map<Node, Value>();
  const before = builder.origin;
  for (const place of outputs) writeAll(graph.roots[place].node, { draft, context, values, options });
  for (const [place, name] of options.outputs) {
    const { node } = graph.roots[place];
    draft.layer = node.origin;
    draft.output(name, cast(draft, present(values.get(node), "an output's value"), "float"));
  }
  for (const [place, name] of options.names) {
    const value = values.get(graph.roots[place].node);
    if (value) value.wanted ??= name;
  }
  builder.origin = before;
  return { graph: draft.finish(), obstacles: draft.obstacles };
}

interface Writing {
  readonly draft: GraphDraft;
  readonly context: PrimitiveContext;
  readonly values: Map<Node, Value>;
  readonly options: OnnxOptions;
}

/** Writes a node after all that it reads. Without recursion: depth has no limit. */
function writeAll(wanted: Node, { draft, context, values, options }: Writing): void {
  const readings = new Map<Node, Reading>();
  const pending = [wanted];
  for (let node = pending.at(-1); node; node = pending.at(-1)) {
    if (values.has(node)) {
      pending.pop();
      continue;
    }
    draft.layer = node.origin;
    draft.builder.origin = node.origin;
    const leaf = leafOf(node, draft, options);
    if (leaf) {
      values.set(node, leaf);
      pending.pop();
      continue;
    }
    const reading = readings.get(node) ?? recognise(draft, node) ?? readAny(context, node);
    readings.set(node, reading);
    const waiting = reading.reads.filter((input) => !values.has(input));
    if (waiting.length > 0) {
      pending.push(...waiting.reverse());
      continue;
    }
    values.set(
      node,
      reading.write(reading.reads.map((input) => present(values.get(input), "an operand's value"))),
    );
    pending.pop();
  }
}

/** The value of a node that reads nothing but parameters. */
function leafOf(node: Node, draft: GraphDraft, options: OnnxOptions): Value | undefined {
  if (node.op === "input") return draft.input(options.inputName(node.name), node.shape, typeOf(node));
  if (node.op === "constant") return filled(draft, node.value, node.shape);
  if (node.op === "param" && options.givenParams?.has(node.index))
    return draft.inputWithValue(options.paramName(node.index), node);
  if (!draft.isSteady(node) || node.dtype !== "real") return undefined;
  const nameOf = (of: Node): string | undefined => {
    const param = parameterIn(of);
    return param && options.paramName(param.index);
  };
  const levels = quantisationIn(node);
  return levels
    ? writeLevels(draft, levels, node.shape, nameOf(levels.x))
    : draft.computed(node, nameOf(node));
}

function readAny(context: PrimitiveContext, node: Node): Reading {
  switch (node.op) {
    case "input":
    case "param":
    case "constant":
      throw new InternalError(`${node.op} has a value of its own`);
    case "blob":
    case "stop":
    case "instead":
      return { reads: [node.inputs[0]], write: ([value]) => value };
    default:
      return readPrimitive(context, node);
  }
}

import type { Graph, Node } from "../../codegen/ir/graph.js";
import { foldConvolutions } from "../../codegen/onnx/fold-convolutions.js";
import { levelsOfRange } from "../../codegen/onnx/quantisation.js";
import { quantiseProducts } from "../../codegen/onnx/quantise-products.js";
import { type Products, productsIn } from "../../codegen/onnx/weighted-products.js";
import { present } from "../../proto/errors/present.js";
import type { LoweredNet } from "../layers/lower-net.js";
import { passedGraph } from "../net/programs.js";
import { type FileObjective, type FileRoots, fileRoots } from "./file-roots.js";
import type { ValueRange } from "./value-ranges.js";

/** Which products of a net are of numbers of 8 bits, and the ranges of what they read and make. */
export interface Quantisation {
  /** By the origin of their nodes. */
  readonly layers: ReadonlySet<string>;
  /** By the keys of values. */
  readonly ranges: ReadonlyMap<string, ValueRange>;
}

/** The graph that a file is written from, with what becomes of its roots. */
export interface FileGraph extends Omit<FileRoots, "roots"> {
  readonly graph: Graph;
}

/** What a file says beside what it computes. */
export interface FileForm {
  /** Whether a BatchNorm and a Scale become part of the convolution before them. */
  readonly fold?: boolean;
  /** With it convolutions are folded, too. */
  readonly int8?: Quantisation;
}

/** The graph of a file: simplified, folded and quantised as is asked for. */
export function fileGraph(
  lowered: LoweredNet,
  keep: readonly string[],
  objective: FileObjective,
  { fold = false, int8 }: FileForm,
): FileGraph {
  const { builder } = lowered;
  const { roots, ...rest } = fileRoots(lowered, keep, objective);
  const passed = passedGraph({ roots }, builder);
  const outputs = new Set(rest.outputs.keys());
  const folded =
    fold || int8 !== undefined ? foldConvolutions(passed, builder, outputs, rest.givenParams) : passed;
  const graph = int8 ? quantisedGraph(folded, productsIn(folded, builder, outputs), int8) : folded;
  return { ...rest, graph };
}

/** A graph with the products of some layers in numbers of 8 bits. */
export const quantisedGraph = (graph: Graph, products: Products, { layers, ranges }: Quantisation): Graph =>
  quantiseProducts(graph, products, {
    has: (layer) => layers.has(layer),
    levelsOf: (key) => levelsOfRange(products.builder, present(ranges.get(key), `the range of ${key}`)),
  });

/** The nodes of a file's outputs, by name. */
export const outputNodes = (graph: Graph, outputs: ReadonlyMap<number, string>): ReadonlyMap<string, Node> =>
  new Map([...outputs].map(([place, name]) => [name, graph.roots[place].node] as const));

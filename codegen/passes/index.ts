import type { GraphBuilder } from "../ir/builder.js";
import type { Graph } from "../ir/graph.js";
import { verify as verifyGraph } from "../ir/verify.js";
import { eraseNames } from "./erase-names.js";
import { simplify } from "./simplify.js";

/** A graph to an equal one. New nodes come from the builder that made the graph. */
export type Pass = (graph: Graph, builder: GraphBuilder) => Graph;

/** What every graph goes through after it is differentiated, in this order. Dead code is what no root reaches. */
export const PASSES: readonly { readonly name: string; readonly run: Pass }[] = [
  { name: "erase names", run: eraseNames },
  { name: "simplify", run: simplify },
];

export interface PassOptions {
  /** Called after each pass with its result (the same object where it changed nothing) and its time. */
  readonly trace?: (name: string, graph: Graph, milliseconds: number) => void;
  /** Verifies the graph before the first pass and after each. Default false. */
  readonly verify?: boolean;
}

/** Runs all passes. @throws InternalError when `verify` finds a fault */
export function runPasses(graph: Graph, builder: GraphBuilder, options: PassOptions = {}): Graph {
  const { trace, verify = false } = options;
  if (verify) verifyGraph(graph);
  let current = graph;
  for (const { name, run } of PASSES) {
    const start = performance.now();
    current = run(current, builder);
    trace?.(name, current, performance.now() - start);
    if (verify) verifyGraph(current);
  }
  return current;
}

export { eraseNames } from "./erase-names.js";
export { simplify } from "./simplify.js";

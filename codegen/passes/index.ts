import type { GraphBuilder } from "../ir/builder.js";
import type { Graph } from "../ir/graph.js";
import type { TargetDescription } from "../ir/target-description.js";
import { eraseNames } from "./erase-names.js";
import { shareSums } from "./share-sums.js";
import { simplify } from "./simplify.js";

/** A graph to an equal one. */
export interface Pass {
  readonly name: string;
  /** What it does, in a few words. */
  readonly about: string;
  /** New nodes come from the builder that made the graph; `description` is the target's. */
  readonly run: (graph: Graph, builder: GraphBuilder, description: TargetDescription) => Graph;
}

/** What every graph goes through after it is differentiated, in this order. Dead code is what no root reaches. */
export const PASSES: readonly Pass[] = [
  { name: "erase names", about: "markers of blobs and of what is not differentiated go", run: eraseNames },
  { name: "simplify", about: "what need not be computed goes", run: simplify },
  { name: "share sums", about: "sums of multiples of the same become one", run: shareSums },
];

export { eraseNames } from "./erase-names.js";
export { foldParameters } from "./fold-parameters.js";
export { powersByRoots } from "./powers-by-roots.js";
export { type Rule, rewrite } from "./rewrite-graph.js";
export { shareSums } from "./share-sums.js";
export { simplify } from "./simplify.js";

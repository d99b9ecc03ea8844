/** Types of the graph that layers are lowered to. */
export type * from "../codegen/ir/graph.js";
export type { GraphBuilder } from "../codegen/ir/ops/primitive.js";

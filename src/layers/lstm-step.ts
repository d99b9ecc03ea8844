import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node } from "../../codegen/ir/graph.js";
import { add, arg, constant, coord, mul, select, unary } from "../../codegen/ir/scalar.js";
import { continued } from "./recurrent-layer.js";

/**
 * One step of an LSTM without its weights (LSTMUnitLayer): from the cell [1, N, H] before it, the sums that reach
 * its gates [1, N, 4H], in the order input, forget, output, candidate, and cont [1, N, 1].
 */
export function lstmStep(
  builder: GraphBuilder,
  cell: Node,
  sums: Node,
  cont: Node,
): { readonly cell: Node; readonly hidden: Node } {
  const size = cell.shape[2];
  // All four gates in one map, which then is part of the product that gives the sums.
  const activation = select(
    "lt",
    coord(2),
    constant(3 * size),
    unary("sigmoid", arg(0)),
    unary("tanh", arg(0)),
  );
  const gates = builder.map(activation, [sums]);
  const gate = (index: number): Node => builder.slice(gates, 2, index * size, size);
  const [input, forget, output, candidate] = [gate(0), gate(1), gate(2), gate(3)];
  const next = builder.map(
    add(mul(arg(0), arg(1)), mul(arg(2), arg(3))),
    [forget, continued(builder, cell, cont), input, candidate],
    cell.shape,
  );
  const hidden = builder.map(
    mul(arg(0), arg(1)),
    [output, builder.map(unary("tanh", arg(0)), [next])],
    cell.shape,
  );
  return { cell: next, hidden };
}
